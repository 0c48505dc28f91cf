#include "rollback/data_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/parse_tree.hpp"

namespace belay {

namespace {

struct Written {
  std::string schema, table;
  std::vector<std::string> columns;  ///< of UPDATE; empty = whole rows
};

class DataChanges {
 public:
  DataChanges(const CatalogState& before, const CatalogState& after) : before_(before), after_(after) {}

  std::vector<DataChange> find(const Script& script) {
    if (!script.parsed) return {{.line = 1, .what = "a script that the parser does not understand", .unknown = true}};
    for (const Statement& statement : script.statements) {
      if (const auto body = function_body(statement.text)) functions_.insert(body->name);
    }
    for (const CatalogState* state : {&before_, &after_}) {
      for (const auto& [id, object] : state->objects) {
        if (object.kind == ObjectKind::function) functions_.insert(object.name);
      }
    }
    for (const Statement& statement : script.statements) look_at(statement);
    return std::move(found_);
  }

 private:
  void look_at(const Statement& statement);
  bool look_at_node(std::string_view kind, const ParseNode& node);
  void look_at_write(std::string_view kind, const ParseNode& node);
  void look_at_call(const ParseNode& call);
  void note(const std::string& what, bool unknown = false) {
    if (said_.insert(what).second) found_.push_back({line_, what, unknown});
  }
  [[nodiscard]] bool goes_with_the_schema(const Written& written) const;
  [[nodiscard]] const CatalogObject* table(const CatalogState& state, const Written& written) const;

  const CatalogState& before_;
  const CatalogState& after_;
  std::set<std::string> functions_;  ///< that users made; anybody's body may change rows
  std::vector<DataChange> found_;
  std::set<std::string> said_;  ///< of this statement
  int line_ = 1;
};

bool only_defines(std::string_view kind) {
  constexpr std::array kinds{"CreateFunctionStmt", "RuleStmt", "CreatePolicyStmt", "CreateTrigStmt"};
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

void DataChanges::look_at(const Statement& statement) {
  line_ = statement.line;
  said_.clear();
  const Executed executed = executed_by(statement.text);
  if (!executed.unknown.empty()) note(executed.unknown, true);
  for (const ParseNode& node : executed.statements)
    walk_nodes(node, [&](std::string_view kind, const ParseNode& inner) { return look_at_node(kind, inner); });
}

bool DataChanges::look_at_node(std::string_view kind, const ParseNode& node) {
  if (only_defines(kind)) return false;
  if (kind == "CopyStmt" && node.value("is_from", false)) note("COPY " + name_in(member(node, "relation")));
  if (kind == "TruncateStmt") note("TRUNCATE");
  if (kind == "ExecuteStmt") note("EXECUTE of a prepared statement", true);
  if (kind == "CallStmt") note("CALL of a procedure", true);
  if (kind == "FuncCall") look_at_call(node);
  if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt" || kind == "MergeStmt")
    look_at_write(kind, node);
  return true;
}

std::string last_part(const ParseNode& names) {
  if (!names.is_array() || names.empty()) return {};
  return name_in(names.back());
}

void DataChanges::look_at_call(const ParseNode& call) {
  const std::string name = last_part(member(call, "funcname"));
  constexpr std::array changing{"lo_import", "lo_unlink",    "lo_put",        "lo_create",      "lo_from_bytea",
                                "lowrite",   "query_to_xml", "cursor_to_xml", "database_to_xml"};
  if (std::find(changing.begin(), changing.end(), name) != changing.end()) note("calls " + name);
  if (functions_.contains(name)) note("calls " + name, true);
}

void DataChanges::look_at_write(std::string_view kind, const ParseNode& node) {
  const ParseNode& relation = member(node, "relation");
  Written written{.schema = relation.value("schemaname", ""), .table = relation.value("relname", ""), .columns = {}};
  bool one_by_one = kind == "UpdateStmt";
  for (const ParseNode& target : member(node, "targetList")) {
    const std::string column = member(target, "ResTarget").value("name", "");
    if (column.empty()) one_by_one = false;
    written.columns.push_back(column);
  }
  if (!one_by_one) written.columns.clear();
  if (kind != "MergeStmt" && goes_with_the_schema(written)) return;
  const std::string word{kind.substr(0, kind.find("Stmt"))};
  std::string upper;
  for (const char c : word) upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  note(upper + " " + (written.schema.empty() ? "" : written.schema + ".") + written.table);
}

const CatalogObject* DataChanges::table(const CatalogState& state, const Written& written) const {
  const CatalogObject* found = nullptr;
  for (const auto& [id, object] : state.objects) {
    if (object.kind != ObjectKind::table || object.name != written.table) continue;
    if (!written.schema.empty() && object.schema != written.schema) continue;
    if (found) return nullptr;  // which of the two is meant depends on the search_path
    found = &object;
  }
  return found;
}

bool DataChanges::goes_with_the_schema(const Written& written) const {
  const CatalogObject* now = table(after_, written);
  if (!now || now->fact("row triggers") != "0") return false;
  const bool has_rules = !after_.parts(now->id, ObjectKind::rule).empty();
  if (has_rules) return false;
  const bool bore_that_name = std::any_of(before_.objects.begin(), before_.objects.end(), [&](const auto& entry) {
    return entry.second.kind == ObjectKind::table && entry.second.name == written.table;
  });
  const CatalogObject* old = before_.find(now->id);
  if (!old) return !bore_that_name;  // all of the table is new, and no older one can have been meant
  if (old->name != now->name || old->fact("row triggers") != "0" || written.columns.empty()) return false;
  const std::vector<const CatalogObject*> columns = after_.parts(now->id, ObjectKind::column);
  return std::all_of(written.columns.begin(), written.columns.end(), [&](const std::string& name) {
    const auto column = std::find_if(columns.begin(), columns.end(), [&](const auto* c) { return c->name == name; });
    const auto had = before_.parts(now->id, ObjectKind::column);
    const bool old_name = std::any_of(had.begin(), had.end(), [&](const auto* c) { return c->name == name; });
    return column != columns.end() && !before_.find((*column)->id) && !old_name;
  });
}

}  // namespace

std::vector<DataChange> data_changes(const Script& script, const CatalogState& before, const CatalogState& after) {
  return DataChanges{before, after}.find(script);
}

std::vector<DataChange> data_changes(const Script& script) {
  static const CatalogState none;
  return DataChanges{none, none}.find(script);
}

}  // namespace belay
