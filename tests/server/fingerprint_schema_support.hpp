// What the tests of the schema fingerprint share: the databases they look at, and differences as text.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

using Lines = std::vector<std::string>;

inline std::string fixture(const std::string& name) { return read_text(std::string(BELAY_TEST_DATA) + "/" + name); }

/// One of everything that its owner may create.
inline void fill_schema(const TestDatabase& db) {
  db.sql(fixture("everything.sql"));
  if (db.owner_name().empty()) db.sql(fixture("everything_superuser.sql"));
}

inline Lines described(const std::vector<SchemaDifference>& differences) {
  Lines lines;
  for (const SchemaDifference& difference : differences) {
    lines.push_back((difference.severity == Severity::hard ? "hard " : "soft ") + difference.describe());
  }
  return lines;
}

inline std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

inline bool any_starts_with(const Lines& lines, const std::string& start) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.compare(0, start.size(), start) == 0; });
}

struct Change {
  std::string sql;
  std::string found;  ///< how one of the differences begins
};

using Changes = std::vector<Change>;
/// Every kind of change of what fill_schema() makes, by what it belongs to.
const Changes& changes_of_tables();
const Changes& changes_of_constraints();
const Changes& changes_of_views();
const Changes& changes_of_types();
const Changes& changes_of_the_database();

struct Noise {
  std::string what, before, change;
};
/// What changes nothing that counts.
const std::vector<Noise>& noises();

/// Makes each change in a transaction that is rolled back, and checks that it is found, recorded expressions parsed
/// again.
inline void check_found(const Changes& changes) {
  const TestDatabase db{"schema changes"};
  fill_schema(db);
  Connection session = db.connect();
  const SchemaFingerprint before = read_schema_fingerprint(session, "public");
  for (const Change& change : changes) {
    CAPTURE(change.sql);
    session.run("BEGIN");
    session.run_script(change.sql);
    const SchemaFingerprint after = read_schema_fingerprint(session, "public");
    const Lines lines = described(compare_schema(before, after, &session));
    session.run("ROLLBACK");
    INFO(joined(lines));
    CHECK(any_starts_with(lines, change.found));
    CHECK(before.sha256() != after.sha256());
  }
  CHECK(described(compare_schema(before, read_schema_fingerprint(session, "public"), &session)).empty());
}

}  // namespace belay::test
