#include "backup/preflight.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

/// A server with PostgreSQL 15's defaults.
LockTable defaults(std::uint64_t tables, std::uint64_t sequences = 0, std::uint64_t views = 0) {
  return {.per_transaction = 64,
          .clients = 100,
          .holders = 122,
          .in_use = 20,
          .tables = tables,
          .sequences = sequences,
          .views = views};
}

std::string refusal_of(const LockTable& locks, Scope scope = Scope::whole) {
  try {
    check_lock_table(locks, scope);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error.hint;
  }
}

std::string detail_of(const Preflight& preflight, Scope scope) {
  try {
    check_rights(preflight, scope);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind == Failure::refused);
    return error.detail + error.hint;
  }
}

TEST_CASE("a dump is refused where it would run the server's lock table full, with the setting that is enough") {
  struct Case {
    LockTable locks;
    Scope scope;
    std::string setting;  ///< empty: it fits
  };
  const std::vector<Case> cases{{defaults(0), Scope::whole, ""},
                                {defaults(3000, 3000), Scope::whole, ""},
                                {defaults(10000), Scope::whole, ""},
                                {defaults(10000, 10000), Scope::whole, "to 128 or more"},
                                {defaults(10000, 0, 10000), Scope::whole, "to 128 or more"},
                                {defaults(10000, 10000), Scope::schema, ""},
                                {defaults(50000, 50000), Scope::whole, "to 640 or more"}};
  for (const Case& c : cases) {
    CAPTURE(c.locks.tables, c.locks.sequences, c.locks.views);
    const std::string hint = refusal_of(c.locks, c.scope);
    CHECK(hint.empty() == c.setting.empty());
    CHECK_THAT(hint, Catch::Contains(c.setting));
  }
}

TEST_CASE("the setting that a refusal names is enough") {
  for (const std::uint64_t tables : {11300U, 15000U, 123456U, 2000000U}) {
    LockTable locks = defaults(tables, tables);
    const std::string hint = refusal_of(locks);
    const std::size_t at = hint.find("(now 64) to ");
    REQUIRE(at != std::string::npos);
    locks.per_transaction = static_cast<std::uint64_t>(std::stoll(hint.substr(at + 12)));
    CHECK(refusal_of(locks).empty());
  }
}

TEST_CASE("others' locks count: a table that is half taken has no room for a dump that would fit alone") {
  LockTable locks = defaults(10000);
  locks.in_use = 5000;
  CHECK_FALSE(refusal_of(locks).empty());
}

TEST_CASE("tables are locked beforehand up to half of what the documentation promises") {
  CHECK(defaults(3200).tables_can_be_locked_before());
  CHECK_FALSE(defaults(3201).tables_can_be_locked_before());
}

TEST_CASE("a missing right is named with the statement that gives it, and only where it is needed") {
  struct Case {
    MissingRight right;
    std::string named, statement;
    bool for_schema;
  };
  const std::vector<Case> cases{
      {{RightKind::schema, "\"s\""}, "USAGE on schema \"s\"", "GRANT USAGE ON SCHEMA \"s\" TO \"R\"\"x\";", true},
      {{RightKind::table, "\"s\".\"t\""}, "SELECT on table", "GRANT SELECT ON TABLE \"s\".\"t\" TO \"R\"\"x\";", true},
      {{RightKind::sequence, "\"s\".\"q\""}, "SELECT on sequence", "GRANT SELECT ON SEQUENCE \"s\".\"q\" TO", false},
      {{RightKind::all_rows, "\"s\".\"t\""}, "row-level security", "ALTER ROLE \"R\"\"x\" BYPASSRLS;", false},
      {{RightKind::all_rows, "\"s\".\"t\"", true}, "(FORCE)", "ALTER ROLE \"R\"\"x\" BYPASSRLS;", false},
      {{RightKind::large_object, "42"}, "large object 42", "GRANT SELECT ON LARGE OBJECT 42 TO", false}};
  for (const Case& c : cases) {
    CAPTURE(c.named);
    const Preflight preflight{.role = "R\"x", .server_version = 130000, .missing = {c.right}, .locks = {}};
    CHECK_THAT(detail_of(preflight, Scope::whole), Catch::Contains(c.named) && Catch::Contains(c.statement));
    CHECK_THAT(detail_of(preflight, Scope::whole), !Catch::Contains("pg_read_all_data"));  // since 14
    CHECK(detail_of(preflight, Scope::schema).empty() != c.for_schema);
  }
}

TEST_CASE("a role that may read everything passes") {
  CHECK_NOTHROW(
      check_rights(Preflight{.role = "r", .server_version = 150000, .missing = {}, .locks = {}}, Scope::whole));
}

}  // namespace
}  // namespace belay
