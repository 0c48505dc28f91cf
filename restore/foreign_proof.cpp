#include "restore/foreign_proof.hpp"

#include <fmt/format.h>

#include <map>

#include "common/error.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

using TablesByName = std::map<std::pair<std::string, std::string>, const TableContent*>;

TablesByName by_name(const ContentFingerprint& content) {
  TablesByName tables;
  for (const TableContent& table : content.tables) tables[{table.schema, table.name}] = &table;
  return tables;
}

/// The objects that a dump has an entry for: no extension's, no constraint's index, no array's or table's type.
constexpr const char* objects_query = R"sql(
WITH own AS (
  SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), routine AS (
  SELECT p.oid, p.prokind FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
), kind AS (
  SELECT t.oid, t.typtype FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
    AND t.typisdefined AND t.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
)
SELECT 'tables' AS name, count(*) AS n FROM own WHERE relkind IN ('r', 'p')
UNION ALL SELECT 'foreign tables', count(*) FROM own WHERE relkind = 'f'
UNION ALL SELECT 'views', count(*) FROM own WHERE relkind = 'v'
UNION ALL SELECT 'materialized views', count(*) FROM own WHERE relkind = 'm'
UNION ALL SELECT 'sequences', count(*) FROM own WHERE relkind = 'S'
UNION ALL SELECT 'indexes', count(*) FROM own JOIN pg_index i ON i.indexrelid = own.oid WHERE NOT EXISTS (SELECT FROM pg_constraint k
  WHERE k.conindid = own.oid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x'))
  AND i.indrelid IN (SELECT oid FROM own)
UNION ALL SELECT 'functions', count(*) FROM routine WHERE prokind IN ('f', 'w')
UNION ALL SELECT 'procedures', count(*) FROM routine WHERE prokind = 'p'
UNION ALL SELECT 'aggregates', count(*) FROM routine WHERE prokind = 'a'
UNION ALL SELECT 'types', count(*) FROM kind WHERE typtype <> 'd'
UNION ALL SELECT 'domains', count(*) FROM kind WHERE typtype = 'd'
UNION ALL SELECT 'foreign keys', count(*) FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0
  AND k.conrelid IN (SELECT oid FROM own)
)sql";

/// What differs goes to `wrong`; returns "12 tables, 3 views".
std::string compare_objects(const ForeignFacts& facts, Connection& side, std::vector<std::string>& wrong) {
  std::string same;
  for (const Row& row : side.rows(objects_query)) {
    const std::string& kind = row.text("name");
    const auto there = static_cast<std::uint64_t>(row.number("n"));
    const auto expected = facts.objects.find(kind);
    if (expected == facts.objects.end()) continue;
    if (expected->second != there)
      wrong.push_back(fmt::format("{}: {} in the dump's table of contents, {} after the restore", kind,
                                  human_count(expected->second), human_count(there)));
    if (there > 0) same += fmt::format("{}{} {}", same.empty() ? "" : ", ", human_count(there), kind);
  }
  return same;
}

std::string counted_words(const CountedRows& counted, const ForeignFacts& facts, const std::string& objects) {
  std::string words =
      facts.rows_counted
          ? fmt::format("rows counted: {} tables, {} rows", human_count(counted.tables), human_count(counted.rows))
          : fmt::format("loaded without an error: rows that are INSERT statements were not compared");
  if (facts.rows_counted && counted.equal > 0)
    words += fmt::format("; text of the rows equal in {} tables", human_count(counted.equal));
  if (facts.rows_counted && counted.equal < counted.tables)
    words += fmt::format("; not compared in {}, because the dump does not say its text form",
                         human_count(counted.tables - counted.equal));
  if (!objects.empty()) words += "; objects counted: " + objects;
  return words;
}

void compare_large_objects(const LargeObjects& dump, const LargeObjects& restored, std::vector<std::string>& wrong) {
  if (dump.count == restored.count) return;
  wrong.push_back(fmt::format("large objects: {} in the dump, {} after the restore", dump.count, restored.count));
}

}  // namespace

CountedRows count_rows(const ContentFingerprint& dump, const ContentFingerprint& restored) {
  CountedRows counted;
  TablesByName there = by_name(restored);
  for (const TableContent& table : dump.tables) {
    const auto found = there.find({table.schema, table.name});
    const TableContent* const now = found == there.end() ? nullptr : found->second;
    const std::string name = quote_identifier(table.schema) + "." + quote_identifier(table.name);
    if (now == nullptr || now->rows != table.rows) {
      counted.wrong.push_back(fmt::format("table {}: {} rows in the dump, {} after the restore", name,
                                          human_count(table.rows),
                                          now == nullptr ? "no such table" : human_count(now->rows)));
    }
    counted.rows += table.rows;
    ++counted.tables;
    if (now != nullptr && *now == table) ++counted.equal;
    if (now != nullptr) there.erase(found);
  }
  for (const auto& [name, table] : there) {
    if (table->rows == 0) continue;
    counted.wrong.push_back(fmt::format("table {}.{}: none of its {} rows is in the dump", quote_identifier(name.first),
                                        quote_identifier(name.second), human_count(table->rows)));
  }
  return counted;
}

Proof prove_foreign(const LoadRequest& r, Tool& tool) {
  tool.out.progress("counting rows and objects", {{"phase", "compare"}});
  std::vector<Connection> sessions;
  for (int i = 0; i < r.jobs; ++i) sessions.emplace_back(r.url, r.side, pinned_session(r, tool));
  const ContentFingerprint found = read_content_fingerprint(sessions, r.manifest->content.tables);
  CountedRows counted = count_rows(r.manifest->content, found);
  if (!r.foreign->rows_counted) counted.wrong.clear();
  std::vector<std::string>& wrong = counted.wrong;
  const std::string objects = compare_objects(*r.foreign, sessions.front(), wrong);
  const bool readable = r.foreign->rows_counted && r.manifest->content.skipped.empty();
  if (readable) compare_large_objects(r.manifest->content.large_objects, found.large_objects, wrong);
  if (!wrong.empty()) {
    throw Error{Failure::failed, fmt::format("the restored database differs from the dump in {} points", wrong.size()),
                first_lines(wrong)};
  }
  Proof proof{.rows = counted.rows, .tables = counted.tables};
  proof.counted = counted_words(counted, *r.foreign, objects);
  return proof;
}

}  // namespace belay
