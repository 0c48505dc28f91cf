#include "migrate/guard_rehearsal.hpp"

#include <fmt/format.h>

#include "common/run_lock.hpp"
#include "common/server_space.hpp"

namespace belay {

namespace {

constexpr Bytes soon_restored = Bytes{10} << 30U;

/// Why it is not done without having been asked for; empty if it may be.
std::string why_not(RunContext& context) {
  const Bytes size = context.server.database->size_bytes;
  const std::optional<Bytes> free = server_free_space(context.maintenance);
  if (!free) return "the server's free space is not known";
  if (*free < 3 * size)
    return fmt::format("{} are free there, and the database has {}", human_size(*free), human_size(size));
  if (size > soon_restored) return fmt::format("the database has {}, which takes long to restore", human_size(size));
  const std::string slots = context.maintenance.value(
      "SELECT coalesce(string_agg(quote_ident(slot_name), ', '), '') FROM pg_replication_slots WHERE NOT active");
  if (!slots.empty()) return fmt::format("replication slot {} is inactive, and would keep the WAL of it", slots);
  return {};
}

/// --side-server or SHADOW_DATABASE_URL, where that is not the target's own cluster. Throws refused for another major
/// version.
std::optional<DatabaseTarget> other_server(const MigrateOptions& options, const RunContext& context, const Tool& tool) {
  std::optional<DatabaseTarget> side = find_side_server(options.side_server, real_surroundings());
  if (!side) return std::nullopt;
  Connection probe = connect_maintenance(side->url, tool.session(), options.common.maintenance_db);
  const ServerFacts server = read_server_facts(probe, probe.database());
  if (server.system_identifier == context.server.system_identifier) return std::nullopt;
  if (server.major() != context.server.major())
    throw Error{Failure::refused,
                fmt::format("the database is on PostgreSQL {}, the server for the rehearsal is {}",
                            context.server.major(), server.major()),
                "A rehearsal on another major version says nothing about locks and durations.",
                "Name a server of the same major version with --side-server URL."};
  return side;
}

Error failed_rehearsal(const Rehearsal& rehearsal) {
  Error error = *rehearsal.failure;
  error.detail = error.message + "\n" + error.detail;
  error.message = fmt::format("migration \"{}\" failed in the rehearsal", rehearsal.failed_migration);
  error.kind = Failure::refused;
  error.hint = "The database was not touched. Correct the migration and run again.";
  return error;
}

}  // namespace

RehearsalChoice choose_rehearsal(const MigrateOptions& options, RunContext& context, const MigrationPlan& plan,
                                 const Tool& tool) {
  if (options.no_rehearse) return {.rehearse = false, .spare = options.spare};
  if (options.skip_backup) {
    throw Error{Failure::refused, "the migrations would not be rehearsed", "There is no backup to rehearse them on.",
                "Say --no-rehearse to deploy without a rehearsal, or leave out --skip-backup."};
  }
  const bool elsewhere = other_server(options, context, tool).has_value();
  // Only who named that server for this run has said that a role made there does no harm.
  const bool may_reach_out = elsewhere && options.side_server;
  if (const std::string outside = may_reach_out ? "" : not_rehearsable(plan); !outside.empty()) {
    throw Error{
        Failure::refused, "migrations reach beyond their own database, so they cannot be rehearsed beside it", outside,
        "Name another server, on which that does no harm, with --side-server URL, or say --no-rehearse to deploy them "
        "without a rehearsal. Nothing was changed."};
  }
  if (elsewhere) return {.rehearse = true, .spare = options.spare || (!options.no_spare && why_not(context).empty())};
  if (options.verb == "rehearse") return {.rehearse = true, .spare = false};
  if (options.rehearse) return {.rehearse = true, .spare = !options.no_spare};
  if (const std::string why = why_not(context); !why.empty()) {
    throw Error{Failure::refused, "the migrations would not be rehearsed", why,
                "Say --rehearse to restore a copy for it all the same, or --no-rehearse to deploy without. Nothing was "
                "changed."};
  }
  return {.rehearse = true, .spare = !options.no_spare};
}

Rehearsal rehearse_on_backup(RehearsalRequest request, const MigrateOptions& options, Tool& tool) {
  tool.out.note("Restoring the backup into a side database");
  request.command = options.rehearse_command;
  request.keep = options.keep_copy;
  Rehearsal rehearsal = rehearse(request, tool);
  tool.out.note(fmt::format("Copy {} in {}", rehearsal.proof, human_duration(rehearsal.restored_in)));
  std::string text = describe_rehearsal(rehearsal).text;
  if (text.ends_with('\n')) text.pop_back();
  tool.out.note(text);
  // Scripts that say so were refused before. What is left may be a function's doing, or somebody else's meanwhile.
  for (const std::string& line : rehearsal.outside)
    tool.out.warn("changed on the server while the rehearsal ran, by it or by others: " + line);
  return rehearsal;
}

void require_passed(const Rehearsal& rehearsal, const MigrateOptions& options) {
  if (rehearsal.failure) throw failed_rehearsal(rehearsal);
  if (!rehearsal.not_verified.empty()) {
    std::string text;
    for (const std::string& line : rehearsal.not_verified) text += line + "\n";
    throw Error{Failure::refused, "the rehearsed database did not pass verification", text,
                "The database was not touched. Correct the migration, or what it is verified by, and run again."};
  }
  if (!options.max_lock) return;
  const std::chrono::milliseconds limit = parse_duration(*options.max_lock).value();
  if (rehearsal.longest_lock() <= limit) return;
  throw Error{Failure::refused,
              fmt::format("a lock was held for {} in the rehearsal, longer than --max-lock {}",
                          human_duration(rehearsal.longest_lock()), *options.max_lock),
              describe_rehearsal(rehearsal).text, "The database was not touched."};
}

std::optional<RehearsalServer> find_rehearsal_server(const MigrateOptions& options, const RunContext& context,
                                                     Tool& tool) {
  std::optional<DatabaseTarget> side = other_server(options, context, tool);
  if (!side) return std::nullopt;
  SideSessions sessions = lock_side_server(side->url, options.common.maintenance_db, context.database(), tool);
  return RehearsalServer{std::move(*side), std::move(sessions)};
}

void build_spare(RunContext& context, Rope& rope, const MigrateOptions& options, Tool& tool, Journal& journal) {
  tool.out.note("Restoring a spare, so that putting back would be one swap");
  RebuildRequest request = rebuild_request(context, rope, options, tool);
  request.side_exists = true;
  const Proof proof = build_side(context.maintenance, request, tool, journal);
  rope.record.spare = true;
  tool.out.note(fmt::format("Spare \"{}\": {}", rope.side, proof.sentence()));
}

std::vector<std::string> differs_from_rehearsed(Connection& db, const Rehearsal& rehearsal, const std::string& schema) {
  std::vector<std::string> lines;
  for (const SchemaDifference& difference :
       compare_schema(rehearsal.schema, read_schema_fingerprint(db, schema), &db)) {
    if (difference.severity == Severity::hard) lines.push_back("not as rehearsed: " + difference.describe());
  }
  return lines;
}

}  // namespace belay
