#include "restore/prove.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "backup/record.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "common/run_lock.hpp"
#include "common/server_facts.hpp"
#include "common/server_space.hpp"
#include "common/side_database.hpp"
#include "common/sql_text.hpp"
#include "restore/compare.hpp"

namespace belay {

namespace {

/// Sessions for one trial: the caller's, which holds the locks, or two of its own.
class TrialSessions {
 public:
  TrialSessions(const TrialPlace& place, const std::string& database, Tool& tool) {
    if (place.locked != nullptr) {
      maintenance_ = place.locked;
      return;
    }
    own_.emplace(connect_maintenance(place.url, tool.session(), place.maintenance_db));
    maintenance_ = &*own_;
    lock_.emplace(place.url, own_->database(), tool.session());
    take_run_lock(*lock_, database, tool.name, run_lock_patience);
    take_work_lock(*own_, database, tool.name, run_lock_patience);
    drop_dead_trials(*own_, database, tool);
  }
  [[nodiscard]] Connection& maintenance() { return *maintenance_; }

 private:
  std::optional<Connection> own_, lock_;
  Connection* maintenance_ = nullptr;
};

void require_roles(Connection& maintenance, const Manifest& manifest) {
  std::string missing;
  for (const std::string& role : manifest.roles) {
    if (maintenance.maybe("SELECT 1 FROM pg_roles WHERE rolname = $1", {role})) continue;
    missing += fmt::format("CREATE ROLE {};\n", quote_identifier(role));
  }
  if (missing.empty()) return;
  throw Error{Failure::refused, "roles that the backup refers to do not exist on the server of the trial restore",
              missing, "Create them there (`backup-db show` has them with their attributes), then run again."};
}

void require_same_major(const ServerFacts& server, const Manifest& manifest) {
  if (manifest.server_version == 0 || manifest.server_version / 10000 == server.major()) return;
  throw Error{Failure::refused,
              fmt::format("the backup is of PostgreSQL {}, the server of the trial restore is {}",
                          manifest.server_version / 10000, server.major()),
              "The fingerprint of one major version cannot be compared with another's.",
              "Name a server of the backup's major version with --side-server."};
}

/// The empty side database, and its end: dropped however the trial comes out.
class TrialDatabase {
 public:
  TrialDatabase(TrialSessions& sessions, const Manifest& manifest, Tool& tool)
      : sessions_(sessions), name_(side_name(manifest.database.name, SideKind::restore, tool.run)) {
    const Marker marker{.run = tool.run,
                        .tool = "backup-db",
                        .step = "restoring",
                        .host = this_host(),
                        .target = manifest.database.name,
                        .kind = SideKind::restore,
                        .target_comment = {},
                        .details = {{"archive", manifest.archive.file}}};
    create_side_database(sessions.maintenance(), name_, manifest.database, marker);
    there_ = true;
  }
  ~TrialDatabase() {
    if (!there_) return;
    const InterruptShield shield;  // Ctrl-C is why we may be here
    try {
      drop_side_database(sessions_.maintenance(), name_);
    } catch (const std::exception& error) {
      spdlog::warn("could not drop {}: {}; the next run will", name_, error.what());
    }
  }
  TrialDatabase(const TrialDatabase&) = delete;
  TrialDatabase& operator=(const TrialDatabase&) = delete;

  void drop() {
    drop_side_database(sessions_.maintenance(), name_);
    there_ = false;
  }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  TrialSessions& sessions_;
  std::string name_;
  bool there_ = false;
};

/// Where the server went away, what the loader says of it would be taken for a fault of the backup.
void load_for_trial(const LoadRequest& request, TrialSessions& sessions, Tool& tool) {
  try {
    load_archive(request, tool);
    analyze_side(request, tool);
  } catch (const Error& error) {
    if (error.kind == Failure::failed) (void)sessions.maintenance().value("SELECT 1");
    throw;
  }
}

LoadRequest request_for(const TrialPlace& place, const ServerFacts& server, const TrialDatabase& database,
                        const std::filesystem::path& archive, const Manifest& manifest, Tool& tool) {
  return {.url = place.url,
          .side = database.name(),
          .archive = archive,
          .manifest = &manifest,
          .loader = find_loader(tool.processes, manifest.archive.format, server.major(), place.pg_bin),
          .server_version = server.version};
}

}  // namespace

void SideTrial::check(const TrialPlace& place, Bytes bytes, Tool& tool) {
  Connection maintenance = connect_maintenance(place.url, tool.session(), place.maintenance_db);
  const ServerFacts server = read_server_facts(maintenance, maintenance.database());
  if (server.standby) {
    throw Error{Failure::refused,
                "a trial restore cannot be made on a standby",
                {},
                "Name a server that takes writes with --side-server, or leave out --verify restore."};
  }
  if (!server.can_create_databases) {
    throw Error{Failure::refused, fmt::format("role \"{}\" may not create databases (P3014)", server.role),
                "A trial restore is made in a side database.",
                fmt::format("ALTER ROLE {} CREATEDB; or name another server with --side-server.",
                            quote_identifier(server.role))};
  }
  require_server_space(maintenance, place.free, bytes, tool.out);
}

TrialResult SideTrial::prove(const TrialPlace& place, const std::filesystem::path& archive, const Manifest& manifest,
                             Tool& tool) {
  const TimePoint began = tool.clock.now();
  TrialSessions sessions{place, manifest.database.name, tool};
  const ServerFacts server = read_server_facts(sessions.maintenance(), sessions.maintenance().database());
  require_same_major(server, manifest);
  require_roles(sessions.maintenance(), manifest);
  TrialDatabase database{sessions, manifest, tool};
  const LoadRequest request = request_for(place, server, database, archive, manifest, tool);
  load_for_trial(request, sessions, tool);
  const Proof proof = prove_equal(request, tool);
  database.drop();
  TrialResult result{.words = proof.words(), .soft = proof.soft, .took = tool.clock.now() - began};
  result.exceptions = proof.not_restored;
  result.exceptions.insert(result.exceptions.end(), proof.not_compared.begin(), proof.not_compared.end());
  return result;
}

SchemaFingerprint SideTrial::examine(const TrialPlace& place, const std::filesystem::path& archive, Manifest& manifest,
                                     Tool& tool) {
  TrialSessions sessions{place, manifest.database.name, tool};
  const ServerFacts server = read_server_facts(sessions.maintenance(), sessions.maintenance().database());
  manifest.server_version = server.version;
  manifest.system_identifier = server.system_identifier;
  TrialDatabase database{sessions, manifest, tool};
  const LoadRequest request = request_for(place, server, database, archive, manifest, tool);
  load_for_trial(request, sessions, tool);
  Connection inside{place.url, database.name(), pinned_session(request, tool)};
  manifest.content = read_content_fingerprint(inside);
  SchemaFingerprint schema = describe_restored(inside, manifest);
  inside = Connection{place.url, sessions.maintenance().database(), tool.session()};
  database.drop();
  return schema;
}

}  // namespace belay
