// What the tests of the finished programs share: a database, a migrations folder, a work folder, the four programs, and
// what a database is, asked of the server by psql's and pg_dump's means only.
#pragma once
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"
#include "tests/support/session.hpp"

namespace belay::test {

using Words = std::vector<std::string>;
using Json = nlohmann::json;
namespace fs = std::filesystem;

inline Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Repeats `question` every 5 ms until it is true; fails the test when the time is over.
inline void wait_until(const std::string& what, const std::function<bool()>& question,
                       std::chrono::seconds patience = std::chrono::seconds(30)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!question()) {
    INFO("waited for: " << what);
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// Owner, privileges, settings, comment and the rest that belongs to a database as a whole, a line each.
inline Words database_properties(const DatabaseUrl& url) {
  return run_sql(url, R"sql(
WITH d AS (SELECT * FROM pg_database WHERE datname = current_database())
SELECT line FROM (
  SELECT concat_ws('|', 'database', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider,
    datconnlimit, datistemplate, datallowconn, dattablespace, 'comment', shobj_description(oid, 'pg_database')) AS line FROM d
  UNION ALL SELECT concat_ws('|', 'grant', pg_get_userbyid(a.grantor), CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
    a.privilege_type, a.is_grantable) FROM d, aclexplode(coalesce(datacl, acldefault('d', datdba))) a
  UNION ALL SELECT concat_ws('|', 'setting', coalesce(r.rolname, '(all)'), c) FROM d JOIN pg_db_role_setting s ON s.setdatabase = d.oid
    LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) c
) AS all_lines ORDER BY line COLLATE "C")sql");
}

/// A database as text: pg_dump's, with the rows of each table in any order, then the database's own properties.
inline std::string state_of(const TestDatabase& db) {
  std::string text;
  Words rows;
  bool in_rows = false;
  for (const std::string& line : lines_of(db.dump())) {
    if (in_rows && line == "\\.") {
      std::sort(rows.begin(), rows.end());
      for (const std::string& row : rows) text += row + "\n";
      rows.clear();
      in_rows = false;
    }
    if (in_rows) {
      rows.push_back(line);
    } else {
      text += line + "\n";
    }
    if (line.starts_with("COPY ") && line.ends_with(" FROM stdin;")) in_rows = true;
  }
  for (const std::string& line : database_properties(db.url())) text += line + "\n";
  return text;
}

/// Every file below `folder` with its mode and content, to see that nothing came, went or changed.
inline std::map<std::string, std::string> files_below(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    struct stat info {};
    ::lstat(entry.path().c_str(), &info);
    std::ostringstream mode;
    mode << std::oct << (info.st_mode & 07777U) << " ";
    files[entry.path().string()] = mode.str() + (entry.is_regular_file() ? read_text(entry.path()) : "folder");
  }
  return files;
}

/// A database and everything around it that a run of the programs needs, with the work folder as current folder.
class ToolBench {
 public:
  explicit ToolBench(const std::string& hint = "tool", Owner owner = Owner::plain,
                     const DatabaseUrl& server = server_url())
      : db(hint, owner, server) {
    const DatabaseUrl& url = owner == Owner::plain ? db.owner_url() : db.url();
    env["DATABASE_URL"] = url_text(url);
    write_text(migrations() / "migration_lock.toml", "provider = \"postgresql\"\n");
  }

  [[nodiscard]] fs::path migrations() const { return work / "prisma/migrations"; }
  void migration(const std::string& name, const std::string& sql) const {
    write_text(migrations() / name / "migration.sql", sql);
  }

  [[nodiscard]] RunResult tool(const std::string& name, const Words& words) const {
    return run(argv_of(name, words), env, {.cwd = work.path()});
  }
  [[nodiscard]] RunResult backup(Words words = {}) const {
    words.insert(words.begin(), {"--output-path", "backups"});
    return tool("backup-db", words);
  }
  [[nodiscard]] RunResult restore(const Words& words) const { return tool("restore-database", words); }
  [[nodiscard]] RunResult rollback(const Words& words) const { return tool("rollback-migration", words); }
  /// A guarded run that asks nothing.
  [[nodiscard]] RunResult migrate(Words words = {}) const {
    words.insert(words.begin(), {"--no-rehearse", "--force"});
    return tool("migrate-production", words);
  }
  [[nodiscard]] RunResult recover(Words words = {}) const {
    words.insert(words.begin(), {"recover", "--force"});
    return tool("migrate-production", words);
  }
  [[nodiscard]] Background start(const std::string& name, const Words& words) const {
    return Background(argv_of(name, words), env, work.path());
  }
  [[nodiscard]] static Words argv_of(const std::string& name, const Words& words) {
    Words argv{program(name)};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
  }

  /// Archives in a folder below the work folder, oldest first by name.
  [[nodiscard]] std::vector<fs::path> archives(const std::string& folder = "backups") const {
    std::vector<fs::path> found;
    if (!fs::exists(work / folder)) return found;
    for (const fs::directory_entry& entry : fs::directory_iterator(work / folder)) {
      const std::string name = entry.path().filename();
      const bool archive = name.ends_with(".dump.zst") || name.ends_with(".dump");
      if (entry.is_regular_file() && archive) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  /// Takes a backup and returns its archive.
  [[nodiscard]] std::string take_backup(const Words& words = {}) const {
    const RunResult result = backup(words);
    INFO(result.err);
    REQUIRE(result.status == 0);
    return archives().back().string();
  }

  [[nodiscard]] std::string state() const { return state_of(db); }
  [[nodiscard]] bool has(const std::string& relation) const {
    return db.value("SELECT to_regclass('" + relation + "') IS NOT NULL") == "t";
  }
  /// Side databases whose name has `__kind_`.
  [[nodiscard]] Words sides(const std::string& kind) const {
    Words found;
    for (const std::string& name : db.side_databases()) {
      if (name.find("__" + kind + "_2") != std::string::npos) found.push_back(name);
    }
    return found;
  }
  [[nodiscard]] Json marker_of(const std::string& database) const {
    const Session server(server_url(), server_url().database);
    const Words comment = run_sql(
        db.url().with_database("postgres"),
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = " + server.literal(database));
    return Json::parse(comment.at(0));
  }

  TestDatabase db;
  ScratchFolder work;
  std::map<std::string, std::string> env;
};

/// A few rows in each of two tables, as the owner.
inline void fill_orders(const TestDatabase& db) {
  db.sql(
      "CREATE TABLE orders (id integer PRIMARY KEY, note text); CREATE TABLE lines (id serial PRIMARY KEY, orders_id "
      "integer REFERENCES orders);"
      "INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 300) i; INSERT INTO lines (orders_id) SELECT "
      "id FROM orders;");
}

inline RunResult deploy(const ToolBench& bench, Words words = {}) {
  words.insert(words.begin(), "deploy");
  return bench.tool("migrate-production", words);
}

inline unsigned mode_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

/// Prisma's history table, as Prisma 6 makes it.
inline const char* const history_table_sql =
    "CREATE TABLE _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at "
    "TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ "
    "NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0);";

/// Folder, history and rows as after months of use: one migration that was applied long ago.
inline void deploy_first(const ToolBench& bench) {
  const std::string script = "CREATE TABLE orders (id integer PRIMARY KEY, note text);";
  bench.migration("20240101000000_init", script);
  bench.db.sql(history_table_sql + script +
               "INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 300) i;"
               "INSERT INTO _prisma_migrations VALUES ('first', encode(sha256($x$" +
               script + "$x$), 'hex'), now(), '20240101000000_init', NULL, NULL, now(), 1)");
}

/// Returns once a migration of `run` is in pg_sleep. Asked from another database: a superuser's session in the run's
/// own would be one that it may not end.
inline void wait_for_sleep(const TestDatabase& db, Background& run) {
  const DatabaseUrl outside = db.url().with_database("postgres");
  const Session server(outside, "postgres");
  const std::string question =
      "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = " + server.literal(db.name());
  wait_until("the migration to sleep", [&] {
    if (!run.running()) FAIL("the run ended before its migration slept\n" + read_text(run.err_file()));
    return server.run(question).at(0) == "1";
  });
}

/// A guarded run; while its migration sleeps somebody else runs `others_sql`.
inline RunResult guarded_beside(const ToolBench& bench, const Words& words, const std::string& others_sql) {
  Background run = bench.start("migrate-production", words);
  wait_for_sleep(bench.db, run);
  bench.db.sql(others_sql);
  return run.wait(std::chrono::seconds(60));
}

}  // namespace belay::test
