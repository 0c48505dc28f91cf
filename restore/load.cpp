#include "restore/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <set>

#include "backup/archive_source.hpp"
#include "backup/record.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/plain_dump.hpp"

namespace belay {

namespace {

constexpr std::size_t most_listed = 20;

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size() && i < most_listed; ++i) text += lines[i] + "\n";
  if (lines.size() > most_listed) text += fmt::format("and {} more\n", lines.size() - most_listed);
  return text;
}

/// pg_dump leaves out indexes that are invalid (a failed CREATE INDEX CONCURRENTLY) and that a constraint's trigger was
/// disabled. A restore cannot bring them back, so they are taken out of what is expected, and named, unless they came
/// back after all (the invalid index of a partitioned table does).
SchemaFingerprint without_lost(SchemaFingerprint expected, const SchemaFingerprint& found,
                               std::vector<std::string>& lost) {
  std::set<std::pair<std::string, std::string>> gone;
  for (const SchemaFact& fact : expected.facts) {
    const bool invalid_index = fact.kind == "index" && fact.attribute == "valid";
    if (invalid_index || fact.kind == "constraint trigger") gone.emplace(fact.kind, fact.object);
  }
  for (const SchemaFact& fact : found.facts) gone.erase({fact.kind, fact.object});
  for (const auto& [kind, object] : gone) {
    lost.push_back(kind == "index" ? fmt::format("invalid index {}", object)
                                   : fmt::format("disabled state of {} {}", kind, object));
  }
  std::erase_if(expected.facts, [&](const SchemaFact& fact) { return gone.contains({fact.kind, fact.object}); });
  return expected;
}

/// Statistics are not part of what is proven: where they cannot be had (a foreign table in an inheritance tree that is
/// not reachable), the rest counts.
void analyze(const LoadRequest& r, Tool& tool) {
  tool.out.progress("analyzing", {{"phase", "analyze"}});
  Connection side{r.url, r.side, tool.session()};
  try {
    side.run("ANALYZE");
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    tool.out.warn("ANALYZE did not get through; plans may be poor until it does: " + error.primary);
  }
}

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

Command load_command(const LoadRequest& r, const Tool& tool) {
  Command command{.program = r.loader.path,
                  .args = {},
                  .env = child_connection_environment(r.url, pinned_session(r, tool), r.server_version),
                  .limit = {}};
  if (r.manifest->archive.format == ArchiveFormat::custom) {
    command.args = {"--exit-on-error", "--no-password"};
  } else {
    command.args = {"--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password", "--file=-"};
  }
  command.args.push_back("--dbname=" + child_conninfo(r.url, r.side));
  return command;
}

}  // namespace

SessionSettings pinned_session(const LoadRequest& r, const Tool& tool) {
  SessionSettings settings = tool.session();
  settings.pinned_text_form = true;
  settings.lc_monetary = r.manifest->database.lc_monetary;
  return settings;
}

PgTool find_loader(ProcessRunner& processes, ArchiveFormat format, int server_major,
                   const std::optional<std::filesystem::path>& pg_bin) {
  return find_pg_tool(processes, format == ArchiveFormat::custom ? "pg_restore" : "psql", server_major, pg_bin);
}

namespace {

/// psql's own guard against commands in a script came with the releases of August 2025.
bool knows_restrict(const PgTool& psql) {
  static constexpr std::array<std::pair<int, int>, 5> first{{{13, 22}, {14, 19}, {15, 14}, {16, 10}, {17, 6}}};
  const std::size_t dot = psql.version.find('.');
  const int minor = dot == std::string::npos ? 0 : std::atoi(psql.version.c_str() + dot + 1);
  for (const auto& [major, least] : first) {
    if (psql.major == major) return minor >= least;
  }
  return psql.major > first.back().first;
}

/// A word that the author of the script could not know.
std::string secret_word() {
  std::random_device random;
  std::string word;
  for (int i = 0; i < 8; ++i) word += fmt::format("{:08x}", random());
  return word;
}

/// A script on its way to psql: only what may go there.
class SafeScript {
 public:
  SafeScript(ByteSource script, const PgTool& psql)
      : script_(std::move(script)),
        reader_([this](ByteSpan bytes) { ready_.insert(ready_.end(), bytes.begin(), bytes.end()); },
                {.restrict_key = knows_restrict(psql) ? secret_word() : ""}) {}

  std::size_t read(std::span<std::byte> room) {
    while (taken_ == ready_.size() && !ended_) refill();
    const std::size_t count = std::min(room.size(), ready_.size() - taken_);
    std::copy_n(ready_.begin() + static_cast<std::ptrdiff_t>(taken_), count, room.begin());
    taken_ += count;
    return count;
  }
  [[nodiscard]] const std::vector<LeftOut>& left_out() const { return reader_.left_out(); }

 private:
  void refill() {
    ready_.clear();
    taken_ = 0;
    const std::size_t got = script_(raw_);
    ended_ = got == 0;
    if (ended_) {
      reader_.finish();
    } else {
      reader_.write({raw_.data(), got});
    }
  }

  ByteSource script_;
  PlainDumpReader reader_;
  std::vector<std::byte> raw_ = std::vector<std::byte>(std::size_t{256} * 1024);
  std::vector<std::byte> ready_;
  std::size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace

void load_archive(const LoadRequest& r, Tool& tool) {
  drop_unrecorded_public(r, tool);
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
  const std::string how = fmt::format("{} ended with {}", r.loader.path.filename().string(), end.how());
  if (end.killed()) throw ChildKilled{Failure::failed, how, end.err};
  if (!end.ok()) throw Error{Failure::failed, how, end.err};
  if (script) {
    for (const LeftOut& left : script->left_out())
      tool.out.note(
          fmt::format("Left out of the script: {} ({} times, first in line {})", left.what, left.count, left.line));
  }
  analyze(r, tool);
}

SchemaFingerprint describe_restored(Connection& side, Manifest& manifest) {
  describe_content(side, manifest);
  return read_schema_fingerprint(side, manifest.history_schema);
}

std::string Proof::words() const {
  std::string except;
  for (const std::vector<std::string>* list : {&not_restored, &not_compared}) {
    for (const std::string& what : *list) except += (except.empty() ? "" : ", ") + what;
  }
  return except.empty() ? "proven" : "proven except " + except;
}

Proof prove_equal(const LoadRequest& r, Tool& tool) {
  tool.out.progress("comparing schema and rows with the backup", {{"phase", "compare"}});
  const SchemaFingerprint expected = read_recorded_schema(r.archive, *r.manifest);
  Connection side{r.url, r.side, pinned_session(r, tool)};
  const SchemaFingerprint found = read_schema_fingerprint(side, r.manifest->history_schema);
  Proof proof{.rows = r.manifest->rows(), .tables = r.manifest->content.tables.size(), .facts = expected.facts.size()};
  const SchemaFingerprint restorable = without_lost(expected, found, proof.not_restored);
  std::vector<std::string> hard;
  for (const SchemaDifference& difference : compare_schema(restorable, found, &side)) {
    (difference.severity == Severity::hard ? hard : proof.soft).push_back(difference.describe());
  }
  if (r.manifest->scope == Scope::whole) {
    for (const ContentDifference& difference :
         compare_content(r.manifest->content, read_content_fingerprint(side, r.manifest->content.tables))) {
      hard.push_back(difference.object + ": " + difference.describe);
    }
  }
  for (const auto& [kind, count] : found.not_compared)
    proof.not_compared.push_back(fmt::format("{}, {} objects", kind, count));
  if (!hard.empty()) {
    throw Error{Failure::failed, fmt::format("the restored database differs from the backup in {} points", hard.size()),
                join(hard)};
  }
  return proof;
}

}  // namespace belay
