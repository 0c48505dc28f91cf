// Migrations that failed half-way, taken back.
#include "tests/server/reversal_bench.hpp"

namespace belay::test {
namespace {

TEST_CASE("of a migration that failed half-way what took effect is found and taken back") {
  const ReversalBench bench;
  const std::string schema = bench.schema(), rows = bench.rows();
  bench.migration(
      "20240102000000_half",
      "CREATE TABLE half (id integer);\nBEGIN;\nALTER TABLE users RENAME name TO full_name;\nCOMMIT;\nCREATE "
      "INDEX CONCURRENTLY by_note ON orders (note);\nSELECT 1/0;\nCREATE TABLE never (id integer);");
  CHECK(bench.tool("migrate-production", {"deploy"}).status == 7);
  CHECK(bench.has("by_note"));
  const RunResult plan = bench.rollback({"--migration-name", "half", "--dry-run", "--json"});
  require_ok(plan);
  CHECK(Json::parse(plan.out).at("took_effect") == 5);
  require_ok(bench.take_back("half"));
  CHECK(bench.schema() == schema);
  CHECK(bench.rows() == rows);
  CHECK(bench.row_state("20240102000000_half") == "t,f");
  CHECK(bench.db.side_databases().empty());
}

TEST_CASE("an index that was built half is dropped with what else a failed migration left") {
  const ReversalBench bench;
  bench.db.sql("UPDATE orders SET note = 'same'");
  const std::string schema = bench.schema();
  bench.migration("20240102000000_half",
                  "ALTER TABLE users ADD slug text;\nCREATE UNIQUE INDEX CONCURRENTLY once ON orders (note);");
  CHECK(bench.tool("migrate-production", {"deploy"}).status == 7);
  CHECK(bench.has("once"));
  require_ok(bench.take_back("half"));
  CHECK(bench.schema() == schema);
}

TEST_CASE("a failed migration whose effect cannot be told is refused with what differs") {
  const ReversalBench bench;
  bench.migration("20240102000000_half",
                  "CREATE TABLE half (id integer);\nCREATE INDEX CONCURRENTLY by_note ON orders (note);\nSELECT 1/0;");
  CHECK(bench.tool("migrate-production", {"deploy"}).status == 7);
  bench.db.sql("ALTER TABLE half ADD by_hand integer");
  const std::string before = bench.state();
  const RunResult refused = bench.take_back("half");
  CHECK(refused.status == 3);
  CHECK_THAT(refused.err, Catch::Contains("half") && Catch::Contains("by_note"));
  CHECK(bench.state() == before);
}

TEST_CASE("a migration whose folder is gone is taken back by a reversal that is proven on a copy of the database") {
  const ReversalBench bench;
  const std::string schema = bench.schema(), rows = bench.rows();
  bench.deploy("20240102000000_gone", "ALTER TABLE users ADD slug text; CREATE INDEX by_note ON orders (note);");
  fs::remove_all(bench.migrations() / "20240102000000_gone");
  CHECK(bench.take_back("gone").status == 3);
  const fs::path down = bench.work / "down.sql";
  write_text(down, "ALTER TABLE users DROP slug;");
  const std::string before = bench.state();
  const RunResult wrong = bench.take_back("gone", {"--down", down.string(), "--keep-folder"});
  CHECK(wrong.status == 3);
  CHECK_THAT(wrong.err, Catch::Contains("by_note"));
  CHECK(bench.state() == before);
  write_text(down, "ALTER TABLE users DROP slug; DROP INDEX by_note;");
  const RunResult right = bench.take_back("gone", {"--down", down.string(), "--keep-folder"});
  require_ok(right);
  CHECK(Json::parse(right.out).at("applied_again_by_next_deploy") == false);
  CHECK(bench.schema() == schema);
  CHECK(bench.rows() == rows);
  CHECK(bench.row_state("20240102000000_gone") == "t,f");
  CHECK(bench.db.side_databases().empty());
}

}  // namespace
}  // namespace belay::test
