#include "tests/support/kept_bench.hpp"

#include <unistd.h>

#include <fstream>

#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/sha256.hpp"

namespace belay::test {
namespace {

constexpr std::chrono::seconds patience{10};  // for backends whose client has just ended, on a busy machine

bool is_number(const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

/// `question` until it says nothing more, for as long as a backend may need to notice that its client is gone.
std::string settled(const std::function<std::string()>& question) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string said = question();
  while (!said.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    said = question();
  }
  return said;
}

std::string damage_of(const CatalogueEntry& entry) {
  if (!entry.manifest) return entry.archive.string() + ": " + entry.problem;
  try {
    for (const std::string& name : entry.manifest->files()) (void)fs::file_size(entry.archive.parent_path() / name);
    verify_checksum(entry.archive, entry.manifest->archive);
    (void)read_recorded_schema(entry.archive, *entry.manifest);
    verify_companions(entry.archive, *entry.manifest);
    if (entry.manifest->level() < Level::checksum) return entry.archive.string() + ": not verified";
  } catch (const Error& error) {
    return error.message + ": " + error.detail;
  } catch (const fs::filesystem_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

Words processes_naming(const std::string& text) {
  Words found;
  std::error_code gone;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", gone)) {
    const std::string number = entry.path().filename();
    if (!is_number(number) || number == std::to_string(::getpid())) continue;
    const std::string command = command_line(std::stoi(number));
    if (command.find(text) != std::string::npos && !command.starts_with("postgres:")) found.push_back(command);
  }
  return found;
}

std::string not_whole(const fs::path& folder) {
  std::string problems;
  for (const CatalogueEntry& entry : list_backups(folder)) {
    if (const std::string damage = damage_of(entry); !damage.empty()) problems += "not whole: " + damage + "\n";
    if (entry.archive.extension() == ".partial") problems += "listed: " + entry.archive.string() + "\n";
  }
  return problems;
}

KeptBench::KeptBench(const std::string& hint, const DatabaseUrl& server) : ToolBench(hint, Owner::plain, server) {
  fill_orders(db);
  fs::create_directories(work / "tmp");
  env["TMPDIR"] = work / "tmp";
  env["RCLONE_CONFIG"] = "/dev/null";
  env["RCLONE_RETRIES"] = "1";
}

std::string KeptBench::keep(const Words& words) {
  Words more = words;
  more.emplace_back("--json");
  const RunResult result = backup(more);
  INFO(result.err);
  REQUIRE(result.status == 0);
  kept_ = files_below(folder());
  ++backups_kept_;
  return work / Json::parse(result.out).at("archive").get<std::string>();
}

void KeptBench::fill_megabytes(double megabytes) const {
  db.sql(
      "CREATE TABLE IF NOT EXISTS ballast (i bigint, x bytea); INSERT INTO ballast SELECT i, sha512(i::text::bytea) "
      "FROM generate_series(1, " +
      std::to_string(static_cast<long>(megabytes * 15000)) + ") i");
}

RunResult KeptBench::backup_with(Words words, const std::map<std::string, std::string>& more) const {
  words.insert(words.begin(), {"--output-path", "backups"});
  std::map<std::string, std::string> all = env;
  for (const auto& [name, value] : more) all[name] = value;
  return run(argv_of("backup-db", words), all, {.cwd = work.path()});
}

Background KeptBench::start_backup(Words words, const std::map<std::string, std::string>& more) const {
  words.insert(words.begin(), {"--output-path", "backups"});
  std::map<std::string, std::string> all = env;
  for (const auto& [name, value] : more) all[name] = value;
  return Background(argv_of("backup-db", words), all, work.path());
}

std::string KeptBench::programs(const std::vector<FakeProgram>& fakes) const {
  const fs::path bin = work / "bin";
  fs::remove_all(bin);
  fs::create_directories(bin);
  for (const char* name : {"pg_dump", "pg_dumpall", "pg_restore", "psql"})
    fs::create_symlink(pg_bin() / name, bin / name);
  for (const FakeProgram& fake : fakes) {
    const fs::path file = bin / fake.name;
    fs::remove(file);
    write_text(file, "#!/bin/sh\nREAL='" + (pg_bin() / fake.name).string() +
                         "'\n[ \"$1\" = --version ] && exec \"$REAL\" --version\n" + fake.script + "\n");
    fs::permissions(file, fs::perms::owner_all | fs::perms::others_exec | fs::perms::others_read);
  }
  return bin.string();
}

void KeptBench::remove_unless_kept(const fs::path& archive) const {
  if (kept_.contains(archive.string())) return;
  for (const std::string suffix : {"", ".schema.json", ".globals.sql", ".manifest.json"})
    fs::remove(archive.string() + suffix);
}

std::string KeptBench::changes(const Expected& expected) const {
  std::string problems;
  const std::map<std::string, std::string> now = files_below(folder());
  for (const auto& [file, content] : kept_) {
    const auto found = now.find(file);
    const bool rewritten = expected.verified && file.ends_with(".manifest.json");
    if (found == now.end() || (found->second != content && !rewritten))
      problems += (found == now.end() ? "gone: " : "changed: ") + file + "\n";
  }
  return problems;
}

std::string KeptBench::listing_problems(std::size_t listed) const {
  const RunResult result = tool("backup-db", {"list", "--output-path", "backups", "--json"});
  if (result.status != 0) return "list failed: " + result.err;
  const Json json = Json::parse(result.out);
  std::string problems = not_whole(folder());
  if (json.at("backups").size() != listed)
    problems += "listed: " + std::to_string(json.at("backups").size()) + " instead of " + std::to_string(listed) + "\n";
  if (!json.at("unusable").empty()) problems += "unusable: " + json.at("unusable").dump() + "\n";
  for (const Json& backup : json.at("backups"))
    if (backup.at("archive").get<std::string>().find(".partial") != std::string::npos) problems += backup.dump() + "\n";
  return problems;
}

std::string KeptBench::left_on_disk() const {
  std::string problems;
  std::set<std::string> belonging;
  for (const CatalogueEntry& entry : list_backups(folder())) {
    belonging.insert(manifest_path(entry.archive).filename());
    if (!entry.manifest) continue;
    for (const std::string& name : entry.manifest->files()) belonging.insert(name);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder()))
    if (!belonging.contains(entry.path().filename()) && !kept_.contains(entry.path().string()))
      problems += "left: " + entry.path().string() + "\n";
  for (const fs::directory_entry& entry : fs::directory_iterator(work / "tmp"))
    problems += "left: " + entry.path().string() + "\n";
  return problems;
}

std::string KeptBench::left_on_server() const {
  std::string problems;
  for (const std::string& side : db.side_databases()) problems += "side database: " + side + "\n";
  const Session server(db.url(), "postgres");
  for (const std::string& line : server.run(
           "SELECT format('session of %s in %s: %s', application_name, datname, query) FROM pg_stat_activity WHERE "
           "usename = " +
           server.literal(db.owner_name()) +
           " AND application_name ~ '^(belay/|pg_dump|pg_restore|psql)' "
           "UNION ALL SELECT format('advisory lock of %s', pid) FROM pg_locks JOIN pg_stat_activity a USING (pid) "
           "WHERE "
           "locktype = 'advisory' AND usename = " +
           server.literal(db.owner_name())))
    problems += line + "\n";
  for (const std::string& text : {db.name(), work.path().string()})
    for (const std::string& command : processes_naming(text)) problems += "process: " + command + "\n";
  return problems;
}

std::string KeptBench::next_backup(std::size_t listed, const Expected& expected) const {
  std::map<std::string, std::string> before = files_below(folder());
  RunResult result;
  // The locks of a run that was killed go with its sessions, which may take a moment.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  do {
    result = backup_with(expected.next_with);
  } while (result.status == 3 && std::chrono::steady_clock::now() < deadline);
  if (result.status != 0) return "the next backup failed: " + result.err + "\n";
  std::string problems =
      changes(expected) + listing_problems(listed + 1) + left_on_disk() + settled([this] { return left_on_server(); });
  for (const auto& [file, content] : files_below(folder()))
    if (!before.contains(file)) fs::remove(file);
  return problems;
}

std::string KeptBench::judge(const Expected& expected) const {
  const std::size_t listed = backups_kept_ + expected.more;
  std::string problems = changes(expected) + listing_problems(listed);
  if (expected.swept) problems += left_on_disk() + settled([this] { return left_on_server(); });
  if (expected.next_works) problems += next_backup(listed, expected);
  return problems;
}

pid_t wait_for_child(Background& run, const std::string& name) {
  const std::string list = "/proc/" + std::to_string(run.pid()) + "/task/" + std::to_string(run.pid()) + "/children";
  while (run.running()) {
    std::ifstream children{list};
    for (pid_t pid = 0; children >> pid;) {
      const std::string command = command_line(pid);
      const std::size_t end = command.find(' ');
      const std::string program = fs::path(command.substr(0, end)).filename();
      const bool script = program == "sh" && command.find("/" + name + " ") != std::string::npos;
      if ((program == name || script) && command.find("--version") == std::string::npos) return pid;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return 0;
}

}  // namespace belay::test
