#include "migrate/row_values.hpp"

#include "tests/support/catch.hpp"

using namespace belay;
using Catch::Contains;

namespace {

Error cleaned(const std::string& message, const std::string& detail) {
  return without_row_values(Error{Failure::failed, message, detail, "the hint"});
}

TEST_CASE("the row that broke a constraint is left out of an error, and the constraint is not") {
  const Error error =
      cleaned("migration \"1_a\" failed at line 3 of m.sql",
              "ERROR:  duplicate key value violates unique constraint \"customer_email_key\" (SQLSTATE 23505)\n  3 | "
              "CREATE UNIQUE INDEX\nDETAIL:  Key (email)=(jane@example.com\nHINT:  nasty) already exists.\nCONTEXT:  "
              "COPY customer, line 7: \"jane@example.com\"");
  CHECK_THAT(error.detail, Contains("customer_email_key") && Contains("CREATE UNIQUE INDEX") && Contains("left out"));
  CHECK_THAT(error.detail, !Contains("jane") && !Contains("nasty") && !Contains("Key ("));
  CHECK(error.message == "migration \"1_a\" failed at line 3 of m.sql");
  CHECK(error.hint == "the hint");
}

TEST_CASE("a server's own error keeps its SQLSTATE when the row is left out") {
  const Error error = cleaned("null value in column \"a\" of relation \"t\" violates not-null constraint",
                              "ERROR:  null value in column \"a\"\nDETAIL:  Failing row contains (7, secret, "
                              "null).\nSQLSTATE: 23502");
  CHECK_THAT(error.detail, !Contains("secret") && Catch::EndsWith("\nSQLSTATE: 23502"));
  CHECK_THAT(error.message, Contains("column \"a\""));
}

TEST_CASE("a value that the server could not read is left out of its sentence") {
  const Error direct = cleaned("invalid input syntax for type integer: \"4711 \" Main St\"",
                               "ERROR:  invalid input syntax for type integer: \"4711 \" Main St\"\nSQLSTATE: 22P02");
  CHECK(direct.message == "invalid input syntax for type integer: \"…\"");
  CHECK_THAT(direct.detail, !Contains("4711") && !Contains("Main") && Contains("22P02"));
  const Error migration = cleaned("migration \"1_a\" failed at line 3 of m.sql",
                                  "ERROR:  date/time field value out of range: \"1970-13-01\" (SQLSTATE 22008)\n  3 | "
                                  "ALTER TABLE \"t\"");
  CHECK_THAT(migration.detail, !Contains("1970") && Contains("ALTER TABLE \"t\""));
  CHECK_THAT(migration.message, Contains("\"1_a\""));
}

TEST_CASE("what an error says of objects, and what the script itself raises, stays") {
  const std::string dependent =
      "ERROR:  cannot drop table a because other objects depend on it (SQLSTATE 2BP01)\nDETAIL:  view v depends on "
      "table a\nHINT:  Use DROP ... CASCADE.";
  CHECK(cleaned("migration", dependent).detail == dependent);
  const std::string raised = "ERROR:  17 customers have no address (SQLSTATE P0001)\nDETAIL:  run the backfill first";
  CHECK(cleaned("migration", raised).detail == raised);
  CHECK_THAT(cleaned("x", "something failed\nDETAIL:  Key (id)=(12) is still referenced").detail, !Contains("12"));
}

}  // namespace
