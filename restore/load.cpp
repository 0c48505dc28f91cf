#include "restore/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "backup/archive_source.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/parallel.hpp"
#include "common/sql_text.hpp"
#include "restore/dump_parts.hpp"
#include "restore/safe_script.hpp"
#include "restore/unpacked.hpp"

namespace belay {

namespace {

/// Every new database has a schema public. pg_dump says nothing of it where the source's was dropped.
void drop_unrecorded_public(const LoadRequest& r, Tool& tool) {
  if (r.manifest->schema_file.empty()) return;  // a dump that nothing is known of
  const SchemaFingerprint recorded = read_recorded_schema(r.archive, *r.manifest);
  const bool there = std::any_of(recorded.facts.begin(), recorded.facts.end(), [](const SchemaFact& fact) {
    return fact.kind == "schema" && fact.object == "\"public\"";
  });
  if (there) return;
  Connection side{r.url, r.side, tool.session()};
  side.run("DROP SCHEMA IF EXISTS public RESTRICT");
}

/// The COMMIT of the swap flushes the log up to itself, and what a server crash loses before it is dropped anyway.
constexpr const char* loading_settings = " -c synchronous_commit=off -c maintenance_work_mem=256MB";

std::vector<std::string> pg_restore_arguments(const LoadRequest& r) {
  std::vector<std::string> args{"--exit-on-error", "--no-password"};
  if (r.ownership.changes_owners()) args.emplace_back("--no-owner");
  if (r.ownership.no_privileges) args.emplace_back("--no-privileges");
  return args;
}

Command load_command(const LoadRequest& r, const Tool& tool) {
  Command command{.program = r.loader.path,
                  .args = {},
                  .env = child_connection_environment(r.url, pinned_session(r, tool), r.server_version),
                  .limit = {}};
  for (auto& [name, value] : command.env) {
    if (name == "PGOPTIONS") value += loading_settings;
  }
  if (r.manifest->archive.format != ArchiveFormat::plain) {
    command.args = pg_restore_arguments(r);
  } else {
    command.args = {"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password", "--file=-"};
  }
  command.args.push_back("--dbname=" + child_conninfo(r.url, r.side));
  return command;
}

void judge(const LoadRequest& r, const Exit& end) {
  const std::string how = fmt::format("{} ended with {}", r.loader.path.filename().string(), end.how());
  const std::string hint = "The database itself was not touched; what was built beside it is removed.";
  if (end.killed()) throw ChildKilled{Failure::failed, how, end.err, hint};
  if (!end.ok()) throw Error{Failure::failed, how, end.err, hint};
}

void load_through_pipe(const LoadRequest& r, Tool& tool) {
  ArchiveSource source{r.archive, r.manifest->archive, ArchiveSource::Rows::ignore};
  const ByteSource decoded = [&](std::span<std::byte> room) {
    const std::size_t got = source.read(room);
    tool.out.progress(fmt::format("restoring: {} of {}", human_size(source.plain_bytes()),
                                  human_size(r.manifest->archive.plain_bytes)),
                      {{"phase", "restore"}, {"bytes", source.plain_bytes()}, {"of", r.manifest->archive.plain_bytes}});
    return got;
  };
  std::optional<SafeScript> script;
  if (r.manifest->archive.format == ArchiveFormat::plain) script.emplace(decoded, r.loader);
  const ByteSource safe = [&](std::span<std::byte> room) { return script->read(room); };
  const Exit end = tool.processes.run(load_command(r, tool), script ? safe : decoded, {});
  source.finish();  // also where the loader stopped early: damage is told before its consequences
  judge(r, end);
  if (!script) return;
  for (const LeftOut& left : script->left_out())
    tool.out.note(
        fmt::format("Left out of the script: {} ({} times, first in line {})", left.what, left.count, left.line));
}

/// Says how large the side database has become, while the loader says nothing.
class GrowthWatch {
 public:
  GrowthWatch(const LoadRequest& r, Tool& tool)
      : request_(r), tool_(tool), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

 private:
  void watch(const std::stop_token& stop) {
    try {
      Connection session{request_.url, request_.side, tool_.session()};
      std::unique_lock<std::mutex> lock{mutex_};
      while (!wake_.wait_for(lock, stop, std::chrono::seconds{1}, [&stop] { return stop.stop_requested(); })) {
        const std::int64_t bytes = session.one("SELECT pg_database_size(current_database()) AS bytes").number("bytes");
        tool_.out.progress(
            fmt::format("restoring with {} jobs: {} so far", request_.jobs, human_size(static_cast<Bytes>(bytes))),
            {{"phase", "restore"}, {"jobs", request_.jobs}, {"database_bytes", bytes}});
      }
    } catch (const Error& error) {
      tool_.out.detail("no progress is shown: " + error.message);  // the loader itself tells what is wrong
    }
  }

  const LoadRequest& request_;
  Tool& tool_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

void load_by_jobs(const LoadRequest& r, Tool& tool) {
  const UnpackedArchive unpacked{r, tool};
  Command command = load_command(r, tool);
  command.args.push_back(fmt::format("--jobs={}", r.jobs));
  command.args.push_back(unpacked.path());
  Exit end;
  {
    const GrowthWatch watch{r, tool};
    end = tool.processes.run(command, {}, {});
  }
  judge(r, end);
}

/// A folder or a tar file, which pg_restore takes by name only.
void load_in_place(const LoadRequest& r, Tool& tool) {
  Command command = load_command(r, tool);
  if (r.jobs > 1 && r.manifest->archive.format == ArchiveFormat::directory)
    command.args.push_back(fmt::format("--jobs={}", r.jobs));
  command.args.push_back(r.archive.string());
  Exit end;
  {
    const GrowthWatch watch{r, tool};
    end = tool.processes.run(command, {}, {});
  }
  require_unchanged(r.archive, r.manifest->archive);  // damage is told before its consequences
  judge(r, end);
}

bool can_use_jobs(const LoadRequest& r, Tool& tool) {
  if (r.jobs < 2 || r.manifest->archive.format != ArchiveFormat::custom) return false;
  if (fits_unpacked(r)) return true;
  tool.out.warn(
      fmt::format("one job loads: {} for the unpacked archive are not free in {}; name another folder with "
                  "--work-dir",
                  human_size(r.manifest->archive.plain_bytes), unpacking_folder(r.work_dir).string()));
  return false;
}

/// A large table alone, small ones in one statement together: what to type for each worker's turn.
std::vector<std::string> analyze_statements(Connection& side) {
  constexpr std::int64_t small = std::int64_t{1024} * 1024;
  constexpr int at_once = 100;
  std::vector<std::string> statements;
  int in_last = at_once;
  for (const Row& row : side.rows(
           "SELECT format('%I.%I', n.nspname, c.relname) AS name, coalesce(pg_relation_size(c.oid), 0) AS bytes FROM "
           "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm', 'f') AND "
           "c.relpersistence <> 't' AND NOT c.relisshared AND n.nspname !~ '^pg_toast' ORDER BY bytes DESC, c.oid")) {
    const bool opens = in_last >= at_once || row.number("bytes") > small;
    if (opens) statements.emplace_back("ANALYZE ");
    in_last = opens ? 1 : in_last + 1;
    statements.back() += (opens ? "" : ", ") + row.text("name");
    if (row.number("bytes") > small) in_last = at_once;
  }
  return statements;
}

void analyze(Connection& side, const std::string& statement, std::mutex& mutex, std::string& problem) {
  try {
    side.run(statement);
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    const std::lock_guard<std::mutex> guard{mutex};
    if (problem.empty()) problem = error.primary;
  }
}

}  // namespace

int default_jobs() { return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, 4U)); }

SessionSettings pinned_session(const LoadRequest& r, const Tool& tool) {
  SessionSettings settings = tool.session();
  settings.pinned_text_form = true;
  settings.lc_monetary = r.manifest->database.lc_monetary;
  return settings;
}

PgTool find_loader(ProcessRunner& processes, ArchiveFormat format, int server_major,
                   const std::optional<std::filesystem::path>& pg_bin) {
  return find_pg_tool(processes, format == ArchiveFormat::plain ? "psql" : "pg_restore", server_major, pg_bin);
}

void load_archive(const LoadRequest& r, Tool& tool) {
  drop_unrecorded_public(r, tool);
  if (is_read_in_place(r.manifest->archive.format)) {
    load_in_place(r, tool);
  } else {
    can_use_jobs(r, tool) ? load_by_jobs(r, tool) : load_through_pipe(r, tool);
  }
  fault_point("side database loaded");
}

void analyze_side(const LoadRequest& r, Tool& tool) {
  tool.out.progress("analyzing", {{"phase", "analyze"}});
  std::vector<Connection> sessions;
  for (int i = 0; i < r.jobs; ++i) sessions.emplace_back(r.url, r.side, tool.session());
  std::mutex mutex;
  std::string problem;
  std::vector<Task> tasks;
  for (const std::string& statement : analyze_statements(sessions.front()))
    tasks.emplace_back([&, statement](std::size_t worker) { analyze(sessions[worker], statement, mutex, problem); });
  run_parallel(sessions.size(), tasks);
  if (!problem.empty())
    tool.out.warn("ANALYZE did not get through everywhere; plans may be poor until it does: " + problem);
}

}  // namespace belay
