#include "common/replay.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "common/server_facts.hpp"
#include "common/sql_text.hpp"
#include "common/statement_meter.hpp"

namespace belay {

namespace {

/// Settings that would keep a script from being run at all, or that are ours to make.
bool is_left_out(const DatabaseSetting& setting, const std::string& owner) {
  constexpr std::array names{"default_transaction_read_only", "role", "session_authorization"};
  const bool somebody_elses = setting.role && *setting.role != owner;
  return somebody_elses || std::find(names.begin(), names.end(), setting.name) != names.end();
}

/// Whether this session's role may act as `role`, which may not exist here.
bool may_act_as(Connection& maintenance, const std::string& role) {
  return maintenance
      .maybe("SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolname <> current_user AND pg_has_role(oid, 'USAGE')",
             {role})
      .has_value();
}

/// As the target's own sessions have them: what a script without schema names makes depends on them.
void copy_settings(Connection& maintenance, const std::string& name, const DatabaseProperties& like, Output& out) {
  for (const DatabaseSetting& setting : like.settings) {
    if (is_left_out(setting, like.owner)) continue;
    try {
      maintenance.run(
          fmt::format("ALTER DATABASE {} {}", quote_identifier(name), set_clause(setting.name, setting.value)));
    } catch (const ServerError& error) {
      if (error.connection_lost) throw;
      out.warn(fmt::format("the side database is without the setting {}: {}", setting.name, error.primary));
    }
  }
}

Error creation_error(const ServerError& error) {
  if (error.connection_lost) return {Failure::connection, "lost the connection to the server", error.detail};
  return {Failure::refused, "could not create a side database", error.detail,
          "Name another server with --side-server."};
}

}  // namespace

SideSessions lock_side_server(const DatabaseUrl& url, const std::optional<std::string>& maintenance_db,
                              const std::string& target, Tool& tool) {
  Connection maintenance = connect_maintenance(url, tool.session(), maintenance_db);
  Connection lock{url, maintenance.database(), tool.session()};
  take_run_lock(lock, target, tool.name, run_lock_patience);
  take_work_lock(maintenance, target, tool.name, run_lock_patience);
  drop_dead_replays(maintenance, target, tool);
  return {std::move(maintenance), std::move(lock)};
}

bool is_cluster(const std::string& system_identifier, const DatabaseUrl& url,
                const std::optional<std::string>& maintenance_db, const Tool& tool) {
  Connection there = connect_maintenance(url, tool.session(), maintenance_db);
  return read_server_facts(there, there.database()).system_identifier == system_identifier;
}

void drop_dead_replays(Connection& maintenance, const std::string& target, Tool& tool) {
  if (maintenance.value("SELECT pg_is_in_recovery()") == "t") return;  // they are the primary's, and perhaps at work
  for (const SideDatabase& side : find_side_databases(maintenance, target)) {
    if (side.marker && !side.for_trial()) continue;
    if (!is_abandoned(maintenance, side)) continue;
    drop_side_database(maintenance, side.name);
    tool.out.note(fmt::format("Dropped \"{}\", which an interrupted run had left.", side.name));
  }
}

Replay::Replay(const ReplayRequest& request, Tool& tool)
    : maintenance_(*request.maintenance),
      tool_(tool),
      name_(request.shadow != nullptr ? request.shadow->name()
                                      : side_name(request.like.name, SideKind::rehearsal, tool.run)),
      settings_(request.settings),
      shadow_(request.shadow) {
  try {
    create(request);
    open(request);
  } catch (const ServerError& error) {
    drop();
    throw creation_error(error);
  } catch (...) {
    drop();  // no destructor runs for what was never whole
    throw;
  }
}

void Replay::create(const ReplayRequest& request) {
  const DatabaseProperties& like = request.like;
  const Marker marker{.run = tool_.run,
                      .tool = tool_.name,
                      .step = "replaying",
                      .host = this_host(),
                      .target = like.name,
                      .kind = SideKind::rehearsal,
                      .target_comment = {},
                      .details = Json::object()};
  there_ = true;  // from here on it may be: an interruption does not say whether CREATE DATABASE was done
  if (shadow_ != nullptr) return;
  create_side_database(maintenance_, name_, like, marker);
  fault_point("replay: created");
  copy_settings(maintenance_, name_, like, tool_.out);
  if (!may_act_as(maintenance_, like.owner)) return;
  make_extensions(request);
  // Its owner may create in schema public. With `role` set so, RESET ROLE comes back to it too.
  const std::string database = quote_identifier(name_);
  maintenance_.run(fmt::format("ALTER DATABASE {} OWNER TO {}", database, quote_identifier(like.owner)));
  maintenance_.run(fmt::format("ALTER DATABASE {} SET role TO {}", database, quote_literal(like.owner)));
}

void Replay::make_extensions(const ReplayRequest& request) {
  if (request.extensions.empty()) return;
  Connection inside{request.url, name_, tool_.session()};
  const char* trusted = inside.server_version() >= 130000 ? " AND NOT v.trusted" : "";
  const std::string for_superusers = fmt::format(
      "SELECT 1 FROM pg_available_extension_versions v JOIN pg_available_extensions e ON e.name = v.name AND "
      "e.default_version = v.version WHERE v.name = $1 AND v.superuser{} AND current_setting('is_superuser') = 'on'",
      trusted);
  for (const std::string& name : request.extensions) {
    if (!inside.maybe(for_superusers, {name})) continue;
    inside.run(fmt::format("CREATE EXTENSION {} CASCADE", quote_identifier(name)));
  }
}

void Replay::open(const ReplayRequest& request) {
  db_.emplace(request.url, name_, tool_.session());
  books_.emplace(request.url, name_, tool_.session());
  role_ = db_->value("SELECT current_user");
  create_history_table(*db_, settings_.schema);
}

Replay::~Replay() {
  if (!there_) return;
  try {
    drop();
  } catch (const std::exception& error) {
    spdlog::warn("could not drop {}: {}; the next run will", name_, error.what());
  }
}

void Replay::drop() {
  if (!there_) return;
  const InterruptShield shield;  // Ctrl-C may be why we are here
  db_.reset();
  books_.reset();
  there_ = false;
  if (shadow_ != nullptr) return shadow_->empty();
  drop_side_database(maintenance_, name_);
}

std::optional<ReplayFailure> Replay::measure(const Migration& script, StatementMeter& meter) {
  meter.begin_script();
  settings_.meter = &meter;
  std::optional<ReplayFailure> failure = run({script});
  settings_.meter = nullptr;
  meter.end_script();
  return failure;
}

std::optional<ReplayFailure> Replay::run(const std::vector<Migration>& migrations) {
  std::size_t done = 0;
  for (const Migration& migration : migrations) {
    tool_.out.progress(fmt::format("replaying {} of {}: {}", ++done, migrations.size(), migration.name),
                       {{"phase", "replay"}, {"migration", migration.name}, {"of", migrations.size()}});
    const ApplyOutcome outcome = apply_migration(*db_, *books_, migration, settings_, {});
    throw_if_interrupted();
    if (!outcome.failure) continue;
    if (!db_->usable())
      throw Error{Failure::connection, "lost the connection while replaying", outcome.failure->error.detail};
    return ReplayFailure{migration, outcome.failure->error};
  }
  return std::nullopt;
}

Error replay_error(const ReplayFailure& failure) {
  return {
      Failure::refused, fmt::format("could not replay migration \"{}\" (P3006)", failure.migration.name),
      failure.error.message + "\n" + failure.error.detail,
      "The target was not touched. What the migration needs and no earlier one makes (an extension, a role, a table "
      "made by hand, rows that were corrected) is missing from the folder, or the file was edited since it was "
      "applied."};
}

}  // namespace belay
