#include "common/statement_effect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/parse_tree.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

using Json = nlohmann::ordered_json;

/// The node's name and its content; both empty if the statement cannot be read.
struct NamedNode {
  std::string name;
  ParseNode body;
};

NamedNode node_of(const Statement& statement) {
  const std::optional<ParseNode> tree = parse_statement(statement.text);
  if (!tree || !tree->is_object() || tree->empty()) return {"", ParseNode::object()};
  return {tree->begin().key(), tree->begin().value()};
}

/// A RangeVar as SQL.
std::string range_sql(const ParseNode& range) {
  const ParseNode& inner = range.contains("RangeVar") ? range["RangeVar"] : range;
  const std::string schema = inner.value("schemaname", "");
  return (schema.empty() ? "" : quote_identifier(schema) + ".") + quote_identifier(inner.value("relname", ""));
}

/// The name list of DROP INDEX as SQL.
std::string dropped_sql(const ParseNode& drop) {
  if (!drop.contains("objects") || drop["objects"].size() != 1) return {};
  const ParseNode items = drop["objects"][0].value("List", ParseNode::object()).value("items", ParseNode::array());
  std::string text;
  for (const ParseNode& item : items)
    text += (text.empty() ? "" : ".") + quote_identifier(item.value("String", ParseNode::object()).value("sval", ""));
  return text;
}

constexpr const char* qualified = "pg_catalog.format('%I.%I', n.nspname, c.relname)";

/// `"schema"."name"` of what `name` means in the session's search_path; NULL if it means nothing.
Json resolved(Connection& db, const std::string& name) {
  const std::optional<Row> row =
      db.maybe(fmt::format("SELECT {} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                           "c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)",
                           qualified),
               {name});
  return row ? Json(row->text(0)) : Json(nullptr);
}

struct Index {
  std::string name;
  bool valid = false;
};

/// Indexes of a table, or without one all of the database's.
std::vector<Index> indexes_of(Connection& db, const std::optional<std::string>& table) {
  std::vector<Index> found;
  const std::string sql = fmt::format(
      "SELECT {} AS name, i.indisvalid AS valid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = "
      "i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {} ORDER BY 1",
      qualified, table ? "i.indrelid = pg_catalog.to_regclass($1)" : "$1::text IS NULL AND NOT i.indisvalid");
  for (const Row& row : db.rows(sql, {table})) found.push_back({row.text("name"), row.flag("valid")});
  return found;
}

Json names_of(const std::vector<Index>& indexes) {
  Json names = Json::array();
  for (const Index& index : indexes) names.push_back(index.name);
  return names;
}

bool holds(const Json& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const Json& n) { return n == name; });
}

std::string drop_index(const std::string& name) { return "DROP INDEX CONCURRENTLY IF EXISTS " + name; }

EffectFound created_index(Connection& db, const Json& before) {
  EffectFound found{.effect = Effect::none};
  if (!before.contains("table") || before.at("table").is_null()) return found;
  for (const Index& index : indexes_of(db, before.at("table").get<std::string>())) {
    if (holds(before.at("indexes"), index.name)) continue;
    if (index.valid) {
      found.indexes.push_back(index.name);
      continue;
    }
    found.repair.push_back(drop_index(index.name));
    found.words += fmt::format("{}index {} is invalid", found.words.empty() ? "" : ", ", index.name);
  }
  found.effect = !found.repair.empty() ? Effect::half : found.indexes.empty() ? Effect::none : Effect::done;
  return found;
}

EffectFound dropped_index(Connection& db, const Json& before) {
  if (before.value("index", Json(nullptr)).is_null()) return {.effect = Effect::none};
  const std::string name = before.at("index");
  const bool there = !resolved(db, name).is_null();
  return {.effect = there ? Effect::none : Effect::done};  // a half dropped one is dropped by the same statement
}

/// REINDEX CONCURRENTLY builds a second index beside the first; one that it left is in the way of nothing but costs.
EffectFound reindexed(Connection& db, const Json& before) {
  EffectFound found{.effect = Effect::none};
  for (const Index& index : indexes_of(db, std::nullopt)) {
    const bool ours = index.name.find("_ccnew") != std::string::npos || index.name.find("_ccold") != std::string::npos;
    if (!ours || holds(before.value("invalid", Json::array()), index.name)) continue;
    found.repair.push_back(drop_index(index.name));
    found.words += fmt::format("{}index {} is invalid", found.words.empty() ? "" : ", ", index.name);
  }
  if (!found.repair.empty()) found.effect = Effect::half;
  return found;
}

EffectFound detached(Connection& db, const Json& before) {
  if (before.value("parent", Json(nullptr)).is_null() || before.value("child", Json(nullptr)).is_null())
    return {.effect = Effect::none};
  const std::string parent = before.at("parent");
  const std::string child = before.at("child");
  const std::optional<Row> row = db.maybe(
      "SELECT (pg_catalog.to_jsonb(i) ->> 'inhdetachpending')::boolean AS pending FROM pg_catalog.pg_inherits i WHERE "
      "i.inhparent = pg_catalog.to_regclass($1) AND i.inhrelid = pg_catalog.to_regclass($2)",
      {parent, child});
  if (!row) return {.effect = Effect::done};
  if (row->text_or("pending", "f") != "t") return {.effect = Effect::none};
  return {.effect = Effect::half,
          .repair = {fmt::format("ALTER TABLE {} DETACH PARTITION {} FINALIZE", parent, child)},
          .repair_finishes = true,
          .words = fmt::format("the detach of {} is not finished", child)};
}

/// Objects that belong to the whole server: they are there, or not.
struct SharedObject {
  const char* node;
  const char* key;
  const char* query;
  bool creates;
};
constexpr std::array<SharedObject, 6> shared_objects{{
    {"CreatedbStmt", "dbname", "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", true},
    {"DropdbStmt", "dbname", "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", false},
    {"CreateTableSpaceStmt", "tablespacename", "SELECT 1 FROM pg_catalog.pg_tablespace WHERE spcname = $1", true},
    {"DropTableSpaceStmt", "tablespacename", "SELECT 1 FROM pg_catalog.pg_tablespace WHERE spcname = $1", false},
    {"CreateSubscriptionStmt", "subname",
     "SELECT 1 FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subname = "
     "$1 AND d.datname = current_database()",
     true},
    {"DropSubscriptionStmt", "subname",
     "SELECT 1 FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subname = "
     "$1 AND d.datname = current_database()",
     false},
}};

const SharedObject* shared_object(const NamedNode& node) {
  const auto* found = std::find_if(shared_objects.begin(), shared_objects.end(),
                                   [&](const SharedObject& object) { return node.name == object.node; });
  return found == shared_objects.end() ? nullptr : found;
}

bool exists(Connection& db, const SharedObject& object, const NamedNode& node) {
  return db.maybe(object.query, {node.body.value(object.key, "")}).has_value();
}

EffectFound shared_effect(Connection& db, const SharedObject& object, const NamedNode& node, const Json& before) {
  const bool was_there = before.value("exists", false);
  const bool is_there = exists(db, object, node);
  const bool done = is_there != was_there && is_there == object.creates;
  return {.effect = done ? Effect::done : Effect::none};
}

/// Running it twice is as good as once.
bool may_be_repeated(const NamedNode& node) {
  constexpr std::array kinds{"VacuumStmt",     "ClusterStmt", "AlterSystemStmt",      "AlterDatabaseStmt",
                             "CheckPointStmt", "DiscardStmt", "AlterSubscriptionStmt"};
  return std::find(kinds.begin(), kinds.end(), node.name) != kinds.end();
}

bool is_detach(const NamedNode& node) { return node.name == "AlterTableStmt" && node.body.contains("cmds"); }

}  // namespace

Json effect_before(Connection& db, const Statement& statement) {
  const NamedNode node = node_of(statement);
  if (node.name == "IndexStmt") {
    const Json table = resolved(db, range_sql(node.body.value("relation", ParseNode::object())));
    return {{"table", table},
            {"indexes", table.is_null() ? Json::array() : names_of(indexes_of(db, table.get<std::string>()))}};
  }
  if (node.name == "DropStmt") return {{"index", resolved(db, dropped_sql(node.body))}};
  if (node.name == "ReindexStmt") return {{"invalid", names_of(indexes_of(db, std::nullopt))}};
  if (is_detach(node)) {
    const ParseNode command = node.body["cmds"][0].value("AlterTableCmd", ParseNode::object());
    const ParseNode partition = command.value("def", ParseNode::object()).value("PartitionCmd", ParseNode::object());
    return {{"parent", resolved(db, range_sql(node.body.value("relation", ParseNode::object())))},
            {"child", resolved(db, range_sql(partition.value("name", ParseNode::object())))}};
  }
  if (const SharedObject* object = shared_object(node)) return {{"exists", exists(db, *object, node)}};
  return Json::object();
}

EffectFound find_effect(Connection& db, const Statement& statement, const Json& before) {
  const NamedNode node = node_of(statement);
  if (node.name == "IndexStmt") return created_index(db, before);
  if (node.name == "DropStmt") return dropped_index(db, before);
  if (node.name == "ReindexStmt") return reindexed(db, before);
  if (is_detach(node)) return detached(db, before);
  if (const SharedObject* object = shared_object(node)) return shared_effect(db, *object, node, before);
  return {.effect = may_be_repeated(node) ? Effect::none : Effect::unknown};
}

std::string drop_of_invalid_namesake(Connection& db, const Statement& statement) {
  const NamedNode node = node_of(statement);
  if (node.name != "IndexStmt" || !node.body.value("concurrent", false) || !node.body.contains("idxname")) return {};
  const std::string table = range_sql(node.body.value("relation", ParseNode::object()));
  const std::string question = fmt::format(
      "SELECT {} FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN "
      "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname "
      "= $2 AND NOT i.indisvalid AND c.relkind = 'i'",
      qualified);
  const Params names{table, node.body["idxname"].get<std::string>()};
  if (!db.maybe(question, names)) return {};
  // Whoever is building it holds this lock until it is valid, or given up.
  Transaction transaction{db};
  db.run("LOCK TABLE " + table + " IN SHARE UPDATE EXCLUSIVE MODE");
  const std::optional<Row> still = db.maybe(question, names);
  transaction.rollback();
  return still ? drop_index(still->text(0)) : "";
}

bool waits_without_lock_timeout(const Statement& statement) {
  if (!statement.outside_transaction) return false;
  const NamedNode node = node_of(statement);
  return node.name == "IndexStmt" || node.name == "DropStmt" || node.name == "ReindexStmt" || is_detach(node);
}

bool fits_own_transaction(const Statement& statement, int server_version) {
  return statement.outside_transaction && statement.kind == "ALTER TYPE" && server_version >= 120000;
}

std::vector<std::string> missing_indexes(Connection& db, const std::vector<std::string>& indexes) {
  std::vector<std::string> missing;
  for (const std::string& name : indexes) {
    const bool valid = db.maybe(
                             "SELECT 1 FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass($1) AND "
                             "indisvalid",
                             {name})
                           .has_value();
    if (!valid) missing.push_back(name);
  }
  return missing;
}

}  // namespace belay
