// A folder of migrations that makes one of everything, deployed.
#pragma once
#include "tests/cli/tool_bench.hpp"
#include "tests/server/fingerprint_schema_support.hpp"

namespace belay::test {

/// Runs a migration of the folder, and writes the row that a deploy would have written.
inline void deploy(const ToolBench& bench, const std::string& name, const std::string& schema = "public") {
  const std::string script = read_text(bench.migrations() / name / "migration.sql");
  const Session server(server_url(), server_url().database);
  bench.db.sql(script);
  bench.db.sql("INSERT INTO " + schema +
               "._prisma_migrations SELECT gen_random_uuid(), "
               "encode(sha256(convert_to(" +
               server.literal(script) + ", 'UTF8')), 'hex'), now(), " + server.literal(name) +
               ", NULL, NULL, clock_timestamp(), 1");
}

/// One migration for each part of everything.sql, which begins with "-- ---- NAME ----", then one for what takes a
/// superuser: setup, types, functions, …
class Everything : public ToolBench {
 public:
  Everything() : ToolBench("diff everything", Owner::superuser) {
    db.sql(history_table_sql);
    std::string name = "setup", text;
    for (const std::string& line : lines_of(fixture("everything.sql"))) {
      if (line.starts_with("CREATE TABLE public._prisma_migrations")) break;
      if (line.starts_with("-- ---- ")) {
        add(name, text);
        name = line.substr(8, line.find(" ----", 8) - 8);
        text.clear();
      }
      text += line + "\n";
    }
    add(name, text);
    add("superuser", fixture("everything_superuser.sql"));
  }

 private:
  void add(std::string name, const std::string& script) {
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ' ' || c == ','; }, '_');
    name = "202401010000" + std::to_string(number_++) + "_" + name;
    migration(name, script);
    deploy(*this, name);
  }
  int number_ = 10;
};

}  // namespace belay::test
