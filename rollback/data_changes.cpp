#include "rollback/data_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include "common/parse_tree.hpp"
#include "rollback/object_text.hpp"

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
  void look_at_conversions(const ParseNode& alter);
  void note(const std::string& what, bool unknown = false) {
    if (said_.insert(what).second) found_.push_back({line_, what, unknown});
  }
  void note_made(std::string_view kind, const ParseNode& node);
  [[nodiscard]] bool goes_with_the_schema(const Written& written) const;
  [[nodiscard]] const CatalogObject* table(const CatalogState& state, const Written& written) const;

  const CatalogState& before_;
  const CatalogState& after_;
  std::set<std::string> functions_;  ///< that users made; anybody's body may change rows
  std::vector<DataChange> found_;
  std::set<std::string> said_;  ///< of this statement
  /// Tables that statements so far made and left, as they wrote them: schema or nothing, and name.
  std::set<std::pair<std::string, std::string>> made_;
  int line_ = 1;
  bool is_query_ = false;
};

bool only_defines(std::string_view kind) {
  constexpr std::array kinds{"CreateFunctionStmt", "RuleStmt",        "CreatePolicyStmt", "CreateTrigStmt",
                             "ViewStmt",           "AlterPolicyStmt", "IndexStmt"};
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

void DataChanges::look_at(const Statement& statement) {
  line_ = statement.line;
  said_.clear();
  const Executed executed = executed_by(statement.text);
  if (!executed.unknown.empty()) note(executed.unknown, true);
  for (const ParseNode& node : executed.statements) {
    is_query_ = node.contains("SelectStmt") || node.contains("CreateTableAsStmt");
    walk_nodes(node, [&](std::string_view kind, const ParseNode& inner) { return look_at_node(kind, inner); });
  }
}

bool DataChanges::look_at_node(std::string_view kind, const ParseNode& node) {
  if (only_defines(kind)) return false;
  // A default is asked for by later rows; that of a new column is not.
  if (kind == "AlterTableCmd" && node.value("subtype", "") == "AT_ColumnDefault") return false;
  if (kind == "CopyStmt" && node.value("is_from", false)) note("COPY " + name_in(member(node, "relation")));
  if (kind == "TruncateStmt") note("TRUNCATE");
  if (kind == "ExecuteStmt") note("EXECUTE of a prepared statement", true);
  if (kind == "CallStmt") note("CALL of a procedure", true);
  if (kind == "FuncCall") look_at_call(node);
  if (kind == "AlterTableStmt") look_at_conversions(node);
  note_made(kind, node);
  if (kind == "CreateStmt" && !node.contains("partbound")) return false;  // its defaults and checks meet no rows yet
  if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt" || kind == "MergeStmt")
    look_at_write(kind, node);
  return true;
}

/// From here on such a name means the table that was made under it, as long as nothing changes what names mean.
void DataChanges::note_made(std::string_view kind, const ParseNode& node) {
  if (kind == "VariableSetStmt" || kind == "RenameStmt" || kind == "AlterObjectSchemaStmt" || kind == "DropStmt") {
    made_.clear();
    return;
  }
  const ParseNode& relation = member(node, "relation");
  if (kind == "CreateStmt" && !node.value("if_not_exists", false))
    made_.emplace(relation.value("schemaname", ""), relation.value("relname", ""));
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
  const bool of_extension = before_.extension_functions.contains(name) || after_.extension_functions.contains(name);
  if (functions_.contains(name) || (is_query_ && of_extension)) note("calls " + name, true);
}

/// The column itself, or a cast of it.
bool is_plain_cast(const ParseNode& expression, const std::string& column) {
  if (expression.contains("TypeCast")) return is_plain_cast(member(expression["TypeCast"], "arg"), column);
  if (!expression.contains("ColumnRef")) return false;
  return last_part(member(expression["ColumnRef"], "fields")) == column;
}

/// `column AT TIME ZONE 'UTC'`, which the same expression takes back: that zone never sets its clocks.
bool is_at_utc(const ParseNode& expression, const std::string& column) {
  const ParseNode& call = member(expression, "FuncCall");
  const ParseNode& arguments = member(call, "args");
  if (last_part(member(call, "funcname")) != "timezone" || !arguments.is_array() || arguments.size() != 2) return false;
  const ParseNode& constant = member(arguments.front(), "A_Const");
  const std::string zone = constant.contains("sval") ? name_in(constant["sval"]) : "";
  return (zone == "UTC" || zone == "utc" || zone == "Etc/UTC") && is_plain_cast(arguments.back(), column) &&
         arguments.back().contains("ColumnRef");
}

/// The expression after USING; an empty object if there is none, or it is no change of a type.
const ParseNode& using_of(const ParseNode& command) {
  static const ParseNode none = ParseNode::object();
  if (command.value("subtype", "") != "AT_AlterColumnType") return none;
  return member(member(member(command, "def"), "ColumnDef"), "raw_default");
}

void DataChanges::look_at_conversions(const ParseNode& alter) {
  const ParseNode& relation = member(alter, "relation");
  for (const ParseNode& item : member(alter, "cmds")) {
    const ParseNode& command = member(item, "AlterTableCmd");
    const ParseNode& using_clause = using_of(command);
    const std::string column = command.value("name", "");
    // What a cast or a zone makes of the values is judged by the types.
    if (using_clause.empty() || is_plain_cast(using_clause, column) || is_at_utc(using_clause, column)) continue;
    const Written written{
        .schema = relation.value("schemaname", ""), .table = relation.value("relname", ""), .columns = {}};
    if (!goes_with_the_schema(written)) note(fmt::format("computes {}.{} anew (USING)", written.table, column));
  }
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
  // All of the table is new, and no older one can have been meant.
  if (!old) return !bore_that_name || made_.contains({written.schema, written.table});
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

namespace {

/// The numbers in brackets at the end of a type: `numeric(10,2)` has 10 and 2.
std::vector<int> modifiers(const std::string& type) {
  std::vector<int> numbers;
  const std::size_t open = type.find('(');
  if (open == std::string::npos) return numbers;
  for (std::size_t at = open; at != std::string::npos; at = type.find(',', at + 1))
    numbers.push_back(std::atoi(type.c_str() + at + 1));
  return numbers;
}

/// 1 to 3 for the integer types, else 0.
int integer_size(const std::string& type) {
  if (type == "smallint") return 1;
  if (type == "integer") return 2;
  return type == "bigint" ? 3 : 0;
}

/// citext is text that compares otherwise.
bool is_varying(const std::string& plain) {
  return plain == "text" || plain == "character varying" || plain == "citext" || plain.ends_with(".citext");
}

bool fits_string(const CatalogObject& from, const std::string& to) {
  const std::vector<int> limit = modifiers(to), had = modifiers(from.fact("type"));
  if (from.fact("plain type") != "character" && !is_varying(from.fact("plain type"))) return true;
  return limit.empty() || (!had.empty() && had.front() <= limit.front());
}

bool fits_numeric(const CatalogObject& from, const std::string& to) {
  if (integer_size(from.fact("type")) > 0) return true;
  if (from.fact("plain type") != "numeric") return false;
  const std::vector<int> limit = modifiers(to), had = modifiers(from.fact("type"));
  return limit.empty() || (had.size() == 2 && limit.size() == 2 && had[1] <= limit[1]);
}

}  // namespace

bool keeps_every_value(const CatalogObject& from, const CatalogObject& to) {
  const std::string& had = from.fact("type");
  const std::string& has = to.fact("type");
  const std::string& plain = to.fact("plain type");
  if (had == has) return true;
  // A type that was only renamed.
  const bool same_type = from.has("type oid") && from.fact("type oid") == to.fact("type oid");
  if (same_type && modifiers(had) == modifiers(has)) return true;
  if (from.has("array") != to.has("array")) return is_varying(plain) && !to.has("array");
  const bool to_enum = to.has("enum") && (from.has("enum") || is_varying(from.fact("plain type")));
  if (to_enum) return true;
  if (from.has("array")) return false;
  // Blanks at the end are cut off, and come back with the length; without one they would not.
  if (from.fact("plain type") == "character" && modifiers(had).size() != 1) return false;
  if (is_varying(plain)) return fits_string(from, has);
  if (integer_size(had) > 0 && integer_size(has) > 0) return integer_size(had) < integer_size(has);
  if (plain == "numeric") return fits_numeric(from, has);
  const std::set<std::string> moments{from.fact("plain type"), plain};
  if (moments == std::set<std::string>{"timestamp with time zone", "timestamp without time zone"})
    return to.has("converted at") && modifiers(had) == modifiers(has);
  if (has == "double precision") return had == "real" || had == "smallint" || had == "integer";
  return has == "timestamp without time zone" && had == "date";
}

std::vector<DataChange> replaced_data(const CatalogState& before, const CatalogState& after) {
  std::vector<DataChange> found;
  std::set<std::pair<std::string, std::string>> made;  // what it is called, with its table
  const auto place = [](const CatalogObject& object, const CatalogState& state) {
    return std::pair{object.parent ? parent_name(object, state) : "", object.parent ? object.name : qualified(object)};
  };
  const auto holds_rows = [](const CatalogObject& object) {
    return object.kind == ObjectKind::table || object.kind == ObjectKind::column;
  };
  const auto is_computed = [](const CatalogObject& object) { return object.has("generated"); };
  for (const auto& [id, object] : after.objects) {
    if (holds_rows(object) && !before.find(id)) made.insert(place(object, after));
  }
  for (const auto& [id, old] : before.objects) {
    if (!holds_rows(old) || is_computed(old)) continue;  // a computed value is computed again
    const CatalogObject* now = after.find(id);
    const bool table_is_there = !old.parent || after.find(*old.parent);
    if (!now && table_is_there && made.contains(place(old, before)))
      found.push_back({.line = 0, .what = fmt::format("{} was replaced by another one", describe(old, before))});
    if (now && old.kind == ObjectKind::column && !keeps_every_value(old, *now))
      found.push_back({.line = 0,
                       .what = fmt::format("{}: {} made {}, which may not keep every value", describe(old, before),
                                           old.fact("type"), now->fact("type"))});
  }
  return found;
}

void note_exact_conversions(const Script& script, CatalogState& after) {
  const auto note = [&](const ParseNode& relation, const std::string& column) {
    std::vector<CatalogObject*> found;
    for (auto& [id, object] : after.objects) {
      if (object.kind != ObjectKind::column || object.name != column) continue;
      const CatalogObject& table = *after.find(*object.parent);
      const std::string schema = relation.value("schemaname", "");
      if (table.name == relation.value("relname", "") && (schema.empty() || schema == table.schema))
        found.push_back(&object);
    }
    if (found.size() == 1) found.front()->facts["converted at"] = "UTC";
  };
  for (const Statement& statement : script.statements) {
    for (const ParseNode& node : executed_by(statement.text).statements) {
      const ParseNode& alter = member(node, "AlterTableStmt");
      for (const ParseNode& item : member(alter, "cmds")) {
        const ParseNode& command = member(item, "AlterTableCmd");
        const std::string column = command.value("name", "");
        if (is_at_utc(using_of(command), column)) note(member(alter, "relation"), column);
      }
    }
  }
}

std::vector<DataChange> data_changes(const Script& script, const CatalogState& before, const CatalogState& after) {
  return DataChanges{before, after}.find(script);
}

}  // namespace belay
