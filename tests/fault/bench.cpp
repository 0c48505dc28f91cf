#include "tests/fault/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "common/database_properties.hpp"
#include "tests/fault/help_desk.hpp"

namespace belay::test {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds patience{5};  // for backends whose client has just ended

/// Connects again for each call, so that a server that was stopped in between does not matter.
Session maintenance(const OwnServer& server) { return {server.url(), "postgres"}; }

Json to_compare(const DatabaseProperties& properties) {
  Json json = to_json(properties);
  json.erase("size_bytes");
  return json;
}

std::string differing_sequences(const ContentFingerprint& expected, const ContentFingerprint& found) {
  std::string text;
  for (const SequenceContent& one : expected.sequences) {
    const auto other = std::find_if(found.sequences.begin(), found.sequences.end(), [&](const SequenceContent& s) {
      return s.schema == one.schema && s.name == one.name;
    });
    if (other != found.sequences.end() && *other != one)
      text += fmt::format("sequence {}: expected {}, found {}\n", one.name, one.last_value, other->last_value);
  }
  return text;
}

std::string without_random_lines(const std::string& text) {
  std::istringstream in{text};
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("\\restrict ", 0) == 0 || line.rfind("\\unrestrict ", 0) == 0) continue;
    // varchar IN (...) comes back from a dump with its casts in another place: the same condition.
    if (line.find("CHECK") != std::string::npos) {
      for (const char* cast : {"::character varying", "::text[]", "::text", "(", ")"})
        for (std::size_t at = 0; (at = line.find(cast)) != std::string::npos;) line.erase(at, std::strlen(cast));
    }
    out += line + "\n";
  }
  return out;
}

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

std::string without_positions(const std::string& text) {
  std::istringstream in{text};
  std::string out;
  for (std::string line; std::getline(in, line);)
    if (line.rfind("SELECT pg_catalog.setval(", 0) != 0) out += line + "\n";
  return out;
}

std::string differing_lines(const std::string& expected, const std::string& found) {
  if (expected == found) return {};
  std::istringstream a{expected}, b{found};
  std::string one, other;
  do {
    one = other = "(end)";
    std::getline(a, one);
    std::getline(b, other);
  } while (one == other && (a || b));
  return "pg_dump wrote \"" + other + "\" where it was \"" + one + "\"\n";
}

}  // namespace

Bench::Bench(Owner owner, Start start) : owner_(owner) { fill(start); }
Bench::~Bench() = default;

Connection Bench::connect() const {
  SessionSettings settings{"test", true};
  return Connection{server_.url(), target_, settings};
}
Session Bench::inside() const { return {server_.url(), target_}; }

void Bench::fill(Start start) {
  const Session server = maintenance(server_);
  server.run("CREATE ROLE desk LOGIN CREATEDB PASSWORD 'p@ss w/o:rd'; CREATE ROLE reader LOGIN");
  server.run("CREATE DATABASE " + server.identifier(source_) + " TEMPLATE template0 OWNER desk");
  if (start == Start::empty) return renew();
  DatabaseUrl url = server_.url();
  url.user = "desk";
  url.password = "p@ss w/o:rd";
  {
    const Session session{url, source_};
    session.run(history_sql(base_migrations()));
    session.run(help_desk_rows_sql);
  }
  renew();
}

/// Not copied by TEMPLATE: what a database has besides its objects.
void Bench::dress() {
  const Session server = maintenance(server_);
  const std::string db = "DATABASE " + server.identifier(target_);
  // Settings in alphabetical order: they are put back in that one, and pg_dump prints them in the order they were set.
  server.run("COMMENT ON " + db + " IS 'the only copy; it''s \"precious\"'; ALTER " + db +
             " SET search_path = public, \"Odd schema\"; ALTER " + db + " SET work_mem = '8MB'; ALTER ROLE desk IN " +
             db + " SET statement_timeout = '5min'; ALTER " + db + " CONNECTION LIMIT 50; REVOKE ALL ON " + db +
             " FROM PUBLIC; GRANT CONNECT ON " + db + " TO reader; GRANT TEMPORARY ON " + db +
             " TO reader WITH GRANT OPTION");
  if (owner_ == Owner::superuser) server.run("ALTER ROLE reader IN " + db + " SET default_transaction_read_only = on");
}

void Bench::renew() {
  const Session server = maintenance(server_);
  for (const std::string& name : others()) server.run("DROP DATABASE " + server.identifier(name) + " WITH (FORCE)");
  server.run("DROP DATABASE IF EXISTS " + server.identifier(target_) + " WITH (FORCE)");
  server.run("CREATE DATABASE " + server.identifier(target_) + " TEMPLATE " + server.identifier(source_) +
             " OWNER desk");
  dress();
  // Without it a crash would set a sequence back that was used since: PostgreSQL 15 copies a template's sequence with
  // the positions that only the template's WAL holds.
  server.run("CHECKPOINT");
  for (const fs::path& folder : {backups(), work("pre-restore"), work("elsewhere")}) fs::remove_all(folder);
}

void Bench::start_from_here() {
  const Session server = maintenance(server_);
  server.run("DROP DATABASE " + server.identifier(source_));
  server.run("CREATE DATABASE " + server.identifier(source_) + " TEMPLATE " + server.identifier(target_) +
             " OWNER desk");
}

void Bench::sql(const std::string& script) { inside().run(script); }
std::vector<std::string> Bench::column(const std::string& query) { return inside().run(query); }

fs::path Bench::folder(const std::string& name, const std::vector<MigrationText>& further) {
  const fs::path path = work(name);
  write_text(path / "migration_lock.toml", "provider = \"postgresql\"\n");
  for (const std::vector<MigrationText>& list : {base_migrations(), further})
    for (const MigrationText& migration : list) write_text(path / migration.name / "migration.sql", migration.sql);
  return path;
}

std::vector<std::string> Bench::guarded(const fs::path& migrations) const {
  return {program("migrate-production"),
          "--migrations",
          migrations.string(),
          "--backup-path",
          backups().string(),
          "--no-rehearse",
          "--force",
          "--keep",
          "9",
          "--expect-loss",  // deleted customers take their tickets with them
          "Ticket, open"};
}

std::map<std::string, std::string> Bench::environment(const std::map<std::string, std::string>& further) const {
  DatabaseUrl url = server_.url();
  url.database = target_;
  if (owner_ == Owner::plain) {
    url.user = "desk";
    url.password = "p@ss w/o:rd";
  }
  std::map<std::string, std::string> all = further;
  all["DATABASE_URL"] = url_text(url);
  return all;
}

RunResult Bench::run_tool(const std::vector<std::string>& argv, const std::map<std::string, std::string>& further) {
  RunSettings settings;
  settings.cwd = work_.path();
  return run(argv, environment(further), settings);
}

RunResult Bench::recover(const std::map<std::string, std::string>& further) {
  const ScratchFolder empty;
  RunSettings settings;
  settings.cwd = empty.path();
  const RunResult result =
      run({program("migrate-production"), "recover", "--force", "--json"}, environment(further), settings);
  if (!fs::is_empty(empty.path())) throw std::runtime_error("recover left something in its folder");
  return result;
}

Picture Bench::look() {
  Connection db = connect();
  Picture picture{.schema = read_schema_fingerprint(db, "public"), .content = read_content_fingerprint(db)};
  picture.properties = to_compare(read_properties(db, target_).value());
  const Session session = inside();
  if (session.run("SELECT count(*) FROM pg_class WHERE relname = '_prisma_migrations'").at(0) == "0") {
    picture.history = "no table";
    return picture;
  }
  for (const std::string& line : session.run(history_query)) picture.history += line + "\n";
  return picture;
}

std::string Bench::compare(const Picture& expected, Sequences sequences) {
  const Picture found = look();
  Connection db = connect();
  std::string text;
  for (const SchemaDifference& difference : compare_schema(expected.schema, found.schema, &db))
    text += difference.describe() + "\n";
  for (const ContentDifference& difference :
       compare_content(expected.content, found.content, {{"public", "_prisma_migrations"}}))
    text += difference.object + ": " + difference.describe + "\n";
  if (sequences == Sequences::equal) text += differing_sequences(expected.content, found.content);
  if (expected.history != found.history)
    text += "history expected:\n" + expected.history + "\nhistory found:\n" + found.history + "\n";
  if (expected.properties != found.properties)
    text += "properties expected: " + expected.properties.dump() + "\nfound: " + found.properties.dump() + "\n";
  return text;
}

Dumps Bench::dump() {
  DatabaseUrl url = server_.url();
  url.database = target_;
  const auto dumped = [&](const std::vector<std::string>& options) {
    std::vector<std::string> argv{(pg_bin() / "pg_dump").string(), "--dbname=" + url_text(url)};
    argv.insert(argv.end(), options.begin(), options.end());
    const RunResult result = run(argv);
    if (result.status != 0) throw std::runtime_error("pg_dump failed: " + result.err);
    return without_random_lines(result.out);
  };
  return {dumped({"--schema-only", "--create"}),
          sorted_lines(dumped({"--data-only", "--exclude-table=_prisma_migrations"}))};
}

std::vector<std::string> Bench::others() {
  const Session server = maintenance(server_);
  return server.run("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', " +
                    server.literal(source_) + ", " + server.literal(target_) + ") ORDER BY 1");
}

std::vector<std::string> Bench::sessions() {
  return maintenance(server_).run(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'belay/%' ORDER BY backend_start");
}

void Bench::end_session(const std::string& pid) {
  maintenance(server_).run("SELECT pg_terminate_backend(" + pid + ")");
}

std::string Bench::leftovers() {
  const Session server = maintenance(server_);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  for (;;) {
    text.clear();
    for (const std::string& line : server.run(
             "SELECT format('session of %s in %s: %s', application_name, datname, query) FROM pg_stat_activity "
             "WHERE application_name LIKE 'belay/%' UNION ALL SELECT format('advisory lock held by %s', pid) "
             "FROM pg_locks WHERE locktype = 'advisory' UNION ALL SELECT format('left read-only: %s', datname) FROM "
             "pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE setrole = 0 AND "
             "'default_transaction_read_only=on' = ANY (setconfig)"))
      text += line + "\n";
    if (text.empty() || std::chrono::steady_clock::now() > deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return text + half_files(backups());
}

std::string Bench::half_reports() const {
  std::string text;
  if (!fs::exists(backups() / "runs")) return text;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(backups() / "runs"))
    if (entry.path().extension() == ".partial") text += "half a report: " + entry.path().string() + "\n";
  return text;
}

std::string Bench::half_files(const fs::path& folder) {
  if (!fs::exists(folder)) return {};
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
  std::string text;
  for (const std::string& name : names) {
    if (name == "runs") continue;
    const std::string archive = name.substr(0, name.find(".zst") + 4);
    const bool whole = names.contains(archive) && names.contains(archive + ".manifest.json") &&
                       names.contains(archive + ".schema.json");
    if (name.ends_with(".partial") || !whole) text += "in the catalogue: " + name + "\n";
  }
  return text;
}

std::string compare_dumps(const Dumps& expected, const Dumps& found, Sequences sequences) {
  if (sequences == Sequences::equal)
    return differing_lines(expected.schema, found.schema) + differing_lines(expected.data, found.data);
  return differing_lines(expected.schema, found.schema) +
         differing_lines(without_positions(expected.data), without_positions(found.data));
}

}  // namespace belay::test
