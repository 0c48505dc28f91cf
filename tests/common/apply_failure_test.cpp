// Where a script failed and what is said about it: pure text.
#include <string>
#include <vector>

#include "common/apply_failure.hpp"
#include "common/apply_position.hpp"
#include "common/sha256.hpp"
#include "tests/support/catch.hpp"

using belay::excerpt;
using belay::missing_right;
using belay::place_at;
using belay::PositionUnit;
using belay::Statement;
using belay::TextPlace;

namespace {

Statement statement(const std::string& kind, const std::string& object = "") {
  Statement out;
  out.kind = kind;
  out.object = object;
  return out;
}

}  // namespace

TEST_CASE("a server position is a character, or a byte where the server knows no characters") {
  CHECK(belay::offset_of("aé中😀x", 1, PositionUnit::characters) == 0);
  CHECK(belay::offset_of("aé中😀x", 5, PositionUnit::characters) == 10);
  CHECK(belay::offset_of("aé中😀x", 5, PositionUnit::bytes) == 4);
  CHECK(belay::offset_of("abc", 99, PositionUnit::characters) == 3);
  CHECK(belay::offset_of("abc", 0, PositionUnit::characters) == 0);
}

TEST_CASE("lines and columns are counted from 1, columns in characters") {
  const std::string script = "é1\r\n中2x\n\nlast";
  const auto line_column = [&](std::size_t offset) {
    const TextPlace place = place_at(script, offset);
    return std::to_string(place.line) + ":" + std::to_string(place.column);
  };
  CHECK(line_column(0) == "1:1");
  CHECK(line_column(2) == "1:2");
  CHECK(line_column(script.find('x')) == "2:3");
  CHECK(line_column(script.find("last")) == "4:1");
  CHECK(line_column(9999) == "4:5");
}

TEST_CASE("the caret stands under the place, beside tabs, wide characters and accents") {
  const std::vector<std::pair<std::string, std::string>> table{
      {"SELECT x", "LINE 1: SELECT x\n               ^"},
      {"\t\tx", "LINE 1:   x\n          ^"},
      {"'中文' x", "LINE 1: '中文' x\n               ^"},
      {"'e\xCC\x81' x", "LINE 1: 'e\xCC\x81' x\n            ^"},
      {"'\x1b[31m' x", "LINE 1: '\\x1b[31m' x\n                   ^"}};
  for (const auto& [line, shown] : table)
    CHECK(excerpt(line, place_at(line, line.find('x', line.find('\x1b') + 1))) == shown);
}

TEST_CASE("a long line is cut around the place") {
  const std::string line = std::string(500, 'a') + "HERE" + std::string(500, 'b');
  const std::string shown = excerpt(line, place_at(line, 500));
  const std::size_t end = shown.find('\n');
  CHECK(end < 90);
  CHECK(shown.substr(0, 11) == "LINE 1: ...");
  CHECK(shown.find("HERE") == shown.size() - end - 2);  // the caret's column is that of HERE
  CHECK(shown.substr(end - 3, 3) == "...");
}

TEST_CASE("a place behind the last character has its caret behind it") {
  CHECK(excerpt("SELECT", place_at("SELECT", 6)) == "LINE 1: SELECT\n              ^");
  CHECK(excerpt("", place_at("", 0)) == "LINE 1: \n        ^");
}

TEST_CASE("a missing right is turned into the line that gives it") {
  struct Case {
    const char* message;
    Statement statement;
    const char* line;
  };
  const std::vector<Case> table{
      {"permission denied for table orders", statement("INSERT", "orders"), "GRANT INSERT ON TABLE orders TO app;"},
      {"permission denied for table orders", statement("UPDATE", "shop.orders"),
       "GRANT SELECT, UPDATE ON TABLE shop.orders TO app;"},
      {"permission denied for table Order", statement("SELECT", "other"), "GRANT SELECT ON TABLE \"Order\" TO app;"},
      {"permission denied for table user", statement("SELECT"), "GRANT SELECT ON TABLE \"user\" TO app;"},
      {"permission denied for view v", statement("SELECT"), "GRANT SELECT ON TABLE v TO app;"},
      {"permission denied for table t", statement("CREATE TABLE"), "GRANT REFERENCES ON TABLE t TO app;"},
      {"permission denied for schema public", statement("CREATE TABLE"),
       "GRANT USAGE, CREATE ON SCHEMA public TO app;"},
      {"permission denied for schema public", statement("SELECT"), "GRANT USAGE ON SCHEMA public TO app;"},
      {"permission denied for database d", statement("CREATE SCHEMA"), "GRANT CREATE ON DATABASE d TO app;"},
      {"permission denied for sequence s", statement("INSERT"), "GRANT USAGE, SELECT, UPDATE ON SEQUENCE s TO app;"},
      {"permission denied for function f", statement("SELECT"), "GRANT EXECUTE ON FUNCTION f TO app;"},
      {"permission denied for type mood", statement("CREATE TABLE"), "GRANT USAGE ON TYPE mood TO app;"},
      {"must be owner of table orders", statement("ALTER TABLE", "shop.orders"),
       "ALTER TABLE shop.orders OWNER TO app;"},
      {"must be owner of relation orders", statement("DROP TABLE"), "ALTER TABLE orders OWNER TO app;"},
      {"must be owner of materialized view m", statement("REFRESH MATERIALIZED VIEW"),
       "ALTER MATERIALIZED VIEW m OWNER TO app;"},
      {"permission denied to create extension \"postgis\"", statement("CREATE EXTENSION"), "CREATE EXTENSION postgis;"},
      {"permission denied to create database", statement("CREATE DATABASE"), "ALTER ROLE app CREATEDB;"},
      {"permission denied to create role", statement("CREATE ROLE"), "ALTER ROLE app CREATEROLE;"},
      {"must be member of role \"owner\"", statement("ALTER TABLE"), "GRANT owner TO app;"},
      {"must be superuser to do this", statement("ALTER SYSTEM"), ""},
      {"keine Berechtigung für Tabelle orders", statement("SELECT"), ""}};
  for (const Case& c : table) CHECK(missing_right(c.message, c.statement, "app") == c.line);
  CHECK(missing_right("permission denied for table t", statement("SELECT"), "My \"App\"") ==
        "GRANT SELECT ON TABLE t TO \"My \"\"App\"\"\";");
}

TEST_CASE("an error without a position points at the statement's first token") {
  const belay::Migration migration{"m", "m/migration.sql", "-- comment\n  SELECT 1;", ""};
  const belay::Script script = belay::parse_script(*migration.script);
  belay::ServerError cause{belay::Failure::failed, "boom", "ERROR: boom"};
  cause.primary = "boom";
  cause.sqlstate = "XX000";
  cause.statement = script.statements.front().text;
  const auto failure = belay::describe_failure({migration, script, &script.statements.front(), {}, {}}, cause);
  CHECK(failure.error.message == "migration \"m\" failed at line 2 of m/migration.sql");
  CHECK(failure.error.detail == "ERROR:  boom (SQLSTATE XX000)\nLINE 2:   SELECT 1;\n          ^");
  CHECK_THAT(failure.log, !Catch::Contains("Position:"));
}

TEST_CASE("a migration's name cannot break the message's line or reach the terminal raw") {
  const belay::Migration migration{"line\nbreak\x1b[31m", "x/migration.sql", "SELECT 1", ""};
  const belay::Script script = belay::parse_script(*migration.script);
  const auto failure =
      belay::describe_failure({migration, script, nullptr, {}, {}}, belay::Error{belay::Failure::failed, "boom"});
  CHECK(failure.error.message ==
        "migration \"line\\x0abreak\\x1b[31m\" failed after the last statement of x/migration.sql");
}
