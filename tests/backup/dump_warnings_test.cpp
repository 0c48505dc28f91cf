#include "backup/dump_warnings.hpp"

#include "tests/support/catch.hpp"

namespace belay {
namespace {

using Lines = std::vector<std::string>;

// As pg_dump 15.20 wrote them.
const std::string circular =
    "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
    "pg_dump: detail: self\n"
    "pg_dump: hint: You might not be able to restore the dump without using --disable-triggers or temporarily dropping "
    "the constraints.\n"
    "pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid this problem.\n"
    "pg_dump: warning: there are circular foreign-key constraints among these tables:\n"
    "pg_dump: detail: ca\n"
    "pg_dump: detail: cb\n"
    "pg_dump: hint: You might not be able to restore the dump without using --disable-triggers or temporarily dropping "
    "the constraints.\n"
    "pg_dump: hint: Consider using a full dump instead of a --data-only dump to avoid this problem.\n";
// As pg_dump 13 writes it.
const std::string circular_of_13 =
    "pg_dump: warning: there are circular foreign-key constraints on this table:\n"
    "pg_dump:   self\n"
    "pg_dump: You might not be able to restore the dump without using --disable-triggers or temporarily dropping the "
    "constraints.\n"
    "pg_dump: Consider using a full dump instead of a --data-only dump to avoid this problem.\n";
const std::string subscriptions =
    "pg_dump: warning: subscriptions not dumped because current user is not a superuser\n";
const std::string collation =
    "WARNING:  database \"i\" has a collation version mismatch\n"
    "DETAIL:  The database was created using collation version 1, but the operating system provides version 153.120.\n"
    "HINT:  Rebuild all objects in this database that use the default collation and run ALTER DATABASE i REFRESH "
    "COLLATION VERSION, or build PostgreSQL with the right library version.\n";

TEST_CASE("what pg_dump says about circular foreign keys is of no concern to a full restore, with all its lines") {
  for (const std::string& text : {circular, circular_of_13}) {
    const DumpRemarks remarks = classify_dump_stderr(text, StderrEnd::whole);
    CHECK(remarks.harmless.size() == (text == circular ? 2U : 1U));
    CHECK(remarks.left_out.empty());
    CHECK(remarks.unknown.empty());
  }
}

TEST_CASE("a remark that something was left out is told from one that nobody knows") {
  const DumpRemarks remarks = classify_dump_stderr(subscriptions + collation + circular, StderrEnd::whole);
  REQUIRE(remarks.left_out.size() == 1);
  CHECK(remarks.left_out[0] + "\n" == subscriptions);
  REQUIRE(remarks.unknown.size() == 1);
  CHECK(remarks.unknown[0] + "\n" == collation);
  CHECK(remarks.harmless.size() == 2);
}

TEST_CASE("a remark in other words is never taken for a harmless one") {
  const Lines others{"pg_dump: warning: could not resolve dependency loop among these items:\npg_dump: detail:   A",
                     "pg_dump: warning: typtype of data type \"t\" appears to be invalid",
                     "pg_dump: Warnung: es gibt zirkuläre Fremdschlüssel", "something"};
  for (const std::string& other : others) {
    CAPTURE(other);
    const DumpRemarks remarks = classify_dump_stderr(other, StderrEnd::whole);
    CHECK(remarks.unknown == Lines{other});
    CHECK(remarks.harmless.empty());
    CHECK(remarks.left_out.empty());
  }
}

TEST_CASE("silence is no remark, and empty lines are none") {
  for (const char* text : {"", "\n", "\n\n"}) {
    const DumpRemarks remarks = classify_dump_stderr(text, StderrEnd::whole);
    CHECK(remarks.harmless.empty());
    CHECK(remarks.left_out.empty());
    CHECK(remarks.unknown.empty());
  }
}

TEST_CASE("where the beginning of what pg_dump said is lost, that is said") {
  const DumpRemarks remarks = classify_dump_stderr("pg_dump: detail: ca\n" + circular, StderrEnd::cut);
  REQUIRE(remarks.unknown.size() == 2);
  CHECK_THAT(remarks.unknown[0], Catch::Contains("what it said first is not known"));
  CHECK(remarks.unknown[1] == "pg_dump: detail: ca");
  CHECK(remarks.harmless.size() == 2);
}

}  // namespace
}  // namespace belay
