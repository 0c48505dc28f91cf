// A database with every kind of object and odd values of every type goes through backup, trial restore, swap, and
// again.
#include "tests/cli/tool_bench.hpp"
#include "tests/server/fingerprint_schema_support.hpp"
#include "tests/support/odd_values.hpp"

namespace belay::test {
namespace {

/// Values beyond odd_values.hpp that applications really store.
const char* const special_values_sql = R"sql(
CREATE SCHEMA special;
CREATE TYPE special.inner_pair AS (n numeric, t text);
CREATE TYPE special.outer_pair AS (p special.inner_pair, list special.inner_pair[]);
CREATE TABLE special.value (
  id integer PRIMARY KEY, f double precision, n numeric, at timestamptz, d date, iv interval, t text, b bytea, grid integer[][][],
  during tstzrange, spans int4multirange, nested special.outer_pair, doc jsonb, doc_text json, x xml, net inet, mac macaddr8, bits bit(5),
  search tsvector, query tsquery, place point, area polygon, hours timetz, fixed char(8), path text[]);
INSERT INTO special.value VALUES
 (1, 'NaN', 'NaN', 'infinity', 'infinity', '178000000 years', repeat('ä€😀', 300000), (SELECT string_agg(set_byte('\x00'::bytea, 0, i), ''::bytea ORDER BY i) FROM generate_series(0, 255) i),
  ARRAY[[[1,2],[3,NULL]],[[5,6],[7,8]]], '[2024-01-01 00:00+00,2024-02-01 00:00+05)', '{[1,3),[7,9)}',
  ROW(ROW(1.50, 'quote " and \ backslash'), ARRAY[ROW(NULL, '')::special.inner_pair, NULL]), '{"deep": [[[[{"a": [1, 2.50, "\u0041", null]}]]]]}',
  '{"kept" : "as  it was",  "dup": 1, "dup": 2}', '<a b="c">x<!-- y --></a>', '2001:db8::1/64', '08:00:2b:01:02:03:04:05', B'10101',
  'a:1A b:2,3B', 'a & !b | c:*', '(1e-300,-0)', '((0,0),(1,0),(1,1))', '23:59:59.999999+14', 'ab', '{}'),
 (2, '-infinity', 'Infinity', '-infinity', '-infinity', '-1 year 3 days -00:00:00.000001', '', '', '{}', 'empty', '{}', NULL, '{}', '[]', NULL, '0.0.0.0/0', NULL,
  B'00000', '', NULL, NULL, NULL, '00:00:00-12', '', ARRAY['a', NULL, 'NULL', '', E'\\', '"']),
 (3, 1e-300, 12345678901234567890.1234567890, '4714-11-24 00:00:00+00 BC', '4714-11-24 BC', '0', E'\\.\n\r\t\b\f\v\x01', '\x5c2e', '[3:4][0:1][-1:0]={{{1,2},{3,4}},{{5,6},{7,8}}}',
  '(,)', NULL, ROW(NULL, NULL), '-0', '"x"', '<a/>', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (4, '-0', 0.000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT lo_from_bytea(0, sha256(i::text::bytea)) FROM generate_series(1, 5) i;
CREATE SEQUENCE special.called; SELECT nextval('special.called') FROM generate_series(1, 7);
CREATE SEQUENCE special.uncalled START 42;
)sql";

/// Settings under which rows print differently: the database's own must not reach what is compared.
void set_odd_settings(const ToolBench& bench) {
  const std::string database = "ALTER DATABASE \"" + bench.db.name() + "\" SET ";
  bench.db.sql(database + "TimeZone = 'Pacific/Apia'; " + database + "bytea_output = 'escape'; " + database +
               "IntervalStyle = 'sql_standard'; " + database + "DateStyle = 'German'; " + database +
               "extra_float_digits = 0; " + database + "search_path = 'special', 'app', 'public'");
}

std::string backup_proven(const ToolBench& bench) {
  const RunResult result = bench.backup({"--verify", "restore", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK_THAT(json.at("proof").at("words").get<std::string>(), Catch::StartsWith("proven"));
  return json.at("archive");
}

void restore(const ToolBench& bench, const std::string& archive) {
  const RunResult result = bench.restore({"--backup-file", archive, "--force", "--keep", "5"});
  INFO(result.err);
  REQUIRE(result.status == 0);
}

TEST_CASE("everything that a database can hold is proven to come back, as superuser and as plain owner") {
  const Owner owner = GENERATE(Owner::superuser, Owner::plain);
  const ToolBench bench("everything", owner);
  fill_schema(bench.db);
  bench.db.sql(special_values_sql);
  bench.db.sql(odd_values_sql);
  if (owner == Owner::superuser) bench.db.sql(odd_tables_sql);
  set_odd_settings(bench);

  const std::string original = backup_proven(bench);
  restore(bench, original);
  const std::string first_restore = bench.state();
  const std::string again = backup_proven(bench);

  const RunResult diff = bench.tool("backup-db", {"diff", original, again});
  INFO(diff.out << diff.err);
  CHECK(diff.status == 0);

  restore(bench, again);
  CHECK(bench.state() == first_restore);
}

}  // namespace
}  // namespace belay::test
