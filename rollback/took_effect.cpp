#include "rollback/took_effect.hpp"

#include <set>

#include "common/schema_reparse.hpp"

namespace belay {

std::vector<ScriptUnit> units_of(const Script& script) {
  if (!script.parsed || script.atomic()) return {{script.text, script.statements.size()}};
  std::vector<ScriptUnit> units;
  bool in_block = false;
  for (const Statement& statement : script.statements) {
    if (!in_block) units.push_back({});
    units.back().text += statement.text + ";\n";
    ++units.back().statements;
    if (statement.kind == "BEGIN" || statement.kind == "START TRANSACTION") in_block = true;
    if (statement.kind == "COMMIT" || statement.kind == "ROLLBACK") in_block = false;
  }
  return units;
}

std::vector<std::string> only_invalid_indexes(const std::vector<SchemaDifference>& differences,
                                              const SchemaFingerprint& live) {
  std::set<std::string> names;
  for (const SchemaDifference& difference : differences) {
    const bool more = difference.kind == "index" && !difference.expected;
    if (!more || !fact_value(live, "index", difference.object, "valid")) return {};
    const std::vector<std::string> path = path_names(difference.object);  // schema, table, index
    if (path.size() != 3) return {};
    names.insert(path[0] + "." + path[2]);
  }
  return {names.begin(), names.end()};
}

}  // namespace belay
