#include "common/run_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "common/migrations.hpp"
#include "common/pooler.hpp"
#include "common/read_only.hpp"
#include "common/run_lock.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace fs = std::filesystem;

std::string describe_kept(const SideDatabase& side, TimePoint now) {
  return fmt::format("\"{}\", {}, {} old ({})", side.name, human_size(side.size_bytes),
                     human_duration(now - run_began(side.marker->run)),
                     side.marker->kind == SideKind::failed ? "what a failed migration left" : "from before a restore");
}

namespace {

/// Another database of the target's server.
void retarget(DatabaseTarget& target, const std::string& database) {
  if (target.url.database == database) {
    throw Error{Failure::usage,
                fmt::format("--to names the target itself, \"{}\"", database),
                {},
                "Leave --to out to restore it in its place."};
  }
  target.url.database = database;
  target.source += ", --to";
}

}  // namespace

RunContext open_run(Tool& tool, const CommonOptions& options, const std::optional<fs::path>& migrations_folder,
                    const std::optional<std::string>& instead) {
  DatabaseTarget target = resolve_target(options, real_surroundings(), migrations_folder);
  if (instead) retarget(target, *instead);
  refuse_system_database(target.url.database);
  Connection maintenance = connect_maintenance(target.url, tool.session(), options.maintenance_db);
  refuse_handed_on_sessions(maintenance);
  ServerFacts server = read_server_facts(maintenance, target.url.database);
  if (server.database) {
    // Through a session of its own: lc_monetary, and whether this role gets in at all, are the target's matter.
    Connection inside{target.url, target.url.database, tool.session()};
    refuse_handed_on_sessions(inside);  // a pooler's mode can differ from database to database
    server.database = read_properties(inside, target.url.database);
  }
  std::vector<SideDatabase> sides = find_side_databases(maintenance, target.url.database);
  const std::string schema = target.url.schema.value_or("public");
  tool.out.note(describe_target(server, target.url.database, target.source));
  for (const std::string& warning : target.warnings) tool.out.warn(warning);
  for (const SideDatabase& side : sides) {
    if (!side.kept() && side.marker && read_only_of(*side.marker))
      tool.out.warn(
          fmt::format("database \"{}\" is read-only for its clients since run {} on {}; if that run is dead, "
                      "`migrate-production recover` takes it back",
                      target.url.database, side.marker->run, side.marker->host));
    if (side.kept()) tool.out.note("Kept: " + describe_kept(side, tool.clock.now()));
  }
  return {std::move(target), std::move(maintenance), std::nullopt, std::move(server), std::move(sides), schema};
}

namespace {

void require_primary(const RunContext& context, const Tool& tool) {
  if (!context.server.standby || tool.name == "backup-db") return;
  throw Error{Failure::refused,
              fmt::format("the server is a hot standby, where {} can change nothing", tool.name),
              {},
              "Nothing was changed. Name the primary in the URL; backup-db alone works on a standby."};
}

/// Another run may have ended while this one waited, and its --read-only with it: what was read under that setting
/// would be taken for the database's own, and put back. lc_monetary is the target's matter and cannot be seen from
/// here.
void read_again(RunContext& context) {
  if (!context.server.database) return;
  const std::string lc_monetary = context.server.database->lc_monetary;
  context.server.database = read_properties(context.maintenance, context.database());
  if (!context.server.database) return;
  context.server.database->lc_monetary = lc_monetary;
  leave_out_read_only(*context.server.database, context.sides);
}

}  // namespace

void lock_run(RunContext& context, const Tool& tool, std::chrono::milliseconds patience) {
  require_primary(context, tool);
  // A session of its own: its last query stays in pg_stat_activity, and that query says who we are.
  context.lock.emplace(context.target.url, context.maintenance.database(), tool.session());
  take_run_lock(*context.lock, context.database(), tool.name, patience);
  take_work_lock(context.maintenance, context.database(), tool.name, patience);
  context.sides = find_side_databases(context.maintenance, context.database());
  read_again(context);
}

namespace {

std::string describe_leftover(const SideDatabase& side) {
  if (!side.marker) return fmt::format("\"{}\" (no marker: it was being created)\n", side.name);
  return fmt::format("\"{}\" ({} run {} on {}, step: {})\n", side.name, side.marker->tool, side.marker->run,
                     side.marker->host, side.marker->step);
}

/// Only a deploy can have left the target half-way. What other runs leave is their side databases, and so does a
/// replay.
std::string way_out(const std::vector<const SideDatabase*>& leftovers) {
  for (const SideDatabase* side : leftovers) {
    if (side->marker && side->marker->tool == "migrate-production" && !side->for_trial())
      return "Run `migrate-production recover` first: it says which state the database is in, and finishes or removes "
             "what is left.";
  }
  return "The database itself was not touched by it. `restore-database cleanup` removes what it left.";
}

}  // namespace

void check_leftovers(const RunContext& context, Output& out, Leftovers policy) {
  std::vector<const SideDatabase*> leftovers;
  std::string found;
  for (const SideDatabase& side : context.sides) {
    if (side.kept()) continue;
    leftovers.push_back(&side);
    found += describe_leftover(side);
  }
  if (found.empty()) return;
  if (context.server.standby) {
    out.note(
        "Side databases of runs on the primary, at work or dead: that cannot be seen from a standby, where its "
        "locks are not.\n" +
        found);
    return;
  }
  const Error error{Failure::refused,
                    fmt::format("an earlier run on database \"{}\" did not end in order", context.database()), found,
                    way_out(leftovers)};
  if (policy == Leftovers::refuse) throw error;
  out.warn(error.message + ": " + found + error.hint);
}

namespace {

/// May be typed into a shell as it is.
bool is_plain_word(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

}  // namespace

void check_kept(const RunContext& context, int keep) {
  std::string kept, oldest;
  int count = 0;
  for (const SideDatabase& side : context.sides) {
    if (!side.kept()) continue;
    ++count;
    kept += side.name + "\n";
    oldest = oldest.empty() ? side.name : oldest;
  }
  if (count < keep) return;
  throw Error{Failure::refused,
              fmt::format("{} earlier version{} of database \"{}\" {} still kept", count, count == 1 ? "" : "s",
                          context.database(), count == 1 ? "is" : "are"),
              kept,
              fmt::format("Nothing was changed. Remove what is no longer needed (`restore-database drop {}`), or allow "
                          "more with --keep {}.",
                          is_plain_word(oldest) ? oldest : "NAME", count + 1)};
}

fs::path migrations_folder(const CommonOptions& options) {
  if (options.migrations) return fs::absolute(*options.migrations);
  if (options.prisma_schema) return fs::absolute(*options.prisma_schema).parent_path() / "migrations";
  return fs::absolute(find_migrations_folder(fs::current_path()));
}

void check_ci_catalogue(const CommonOptions& options, const fs::path& catalogue) {
  const char* ci = std::getenv("CI");
  if (ci == nullptr || *ci == '\0' || options.local_only) return;
  std::error_code ignored;
  const fs::path inside = fs::weakly_canonical(catalogue, ignored).lexically_relative(fs::current_path(ignored));
  if (inside.empty() || *inside.begin() == "..") return;
  throw Error{
      Failure::refused,
      fmt::format("the backups would be written to \"{}\" on a CI runner, whose disk goes away", catalogue.string()),
      {},
      "Write them to a volume that stays (--backup-path, --output-path), or say --local-only if losing them is all "
      "right."};
}

}  // namespace belay
