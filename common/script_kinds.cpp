#include "common/script_kinds.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <string_view>

namespace belay {

namespace {

/// Words for the parse nodes whose name does not say them (CreateSchemaStmt does).
const std::map<std::string, std::string, std::less<>>& irregular_kinds() {
  static const std::map<std::string, std::string, std::less<>> kinds{
      {"CreateStmt", "CREATE TABLE"},
      {"IndexStmt", "CREATE INDEX"},
      {"ViewStmt", "CREATE VIEW"},
      {"RuleStmt", "CREATE RULE"},
      {"CreateSeqStmt", "CREATE SEQUENCE"},
      {"AlterSeqStmt", "ALTER SEQUENCE"},
      {"CreateEnumStmt", "CREATE TYPE"},
      {"CompositeTypeStmt", "CREATE TYPE"},
      {"CreateRangeStmt", "CREATE TYPE"},
      {"AlterEnumStmt", "ALTER TYPE"},
      {"CreateTrigStmt", "CREATE TRIGGER"},
      {"CreateEventTrigStmt", "CREATE EVENT TRIGGER"},
      {"AlterEventTrigStmt", "ALTER EVENT TRIGGER"},
      {"AlterExtensionContentsStmt", "ALTER EXTENSION"},
      {"AlterRoleSetStmt", "ALTER ROLE"},
      {"LockStmt", "LOCK TABLE"},
      {"VariableShowStmt", "SHOW"},
      {"ConstraintsSetStmt", "SET CONSTRAINTS"},
      {"CreatedbStmt", "CREATE DATABASE"},
      {"DropdbStmt", "DROP DATABASE"},
      {"AlterDatabaseSetStmt", "ALTER DATABASE"},
      {"AlterDatabaseRefreshCollStmt", "ALTER DATABASE"},
      {"CreateTableSpaceStmt", "CREATE TABLESPACE"},
      {"DropTableSpaceStmt", "DROP TABLESPACE"},
      {"AlterTableSpaceOptionsStmt", "ALTER TABLESPACE"},
      {"AlterTableMoveAllStmt", "ALTER TABLE"},
      {"RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW"},
      {"CheckPointStmt", "CHECKPOINT"},
      {"ClosePortalStmt", "CLOSE"},
      {"DeclareCursorStmt", "DECLARE CURSOR"},
      {"SecLabelStmt", "SECURITY LABEL"},
      {"CreateStatsStmt", "CREATE STATISTICS"},
      {"AlterStatsStmt", "ALTER STATISTICS"},
      {"CreateFdwStmt", "CREATE FOREIGN DATA WRAPPER"},
      {"AlterFdwStmt", "ALTER FOREIGN DATA WRAPPER"},
      {"CreateForeignServerStmt", "CREATE SERVER"},
      {"AlterForeignServerStmt", "ALTER SERVER"},
      {"CreateAmStmt", "CREATE ACCESS METHOD"},
      {"CreatePLangStmt", "CREATE LANGUAGE"},
      {"CreateOpClassStmt", "CREATE OPERATOR CLASS"},
      {"CreateOpFamilyStmt", "CREATE OPERATOR FAMILY"},
      {"AlterOpFamilyStmt", "ALTER OPERATOR FAMILY"},
      {"AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION"},
      {"AlterTSDictionaryStmt", "ALTER TEXT SEARCH DICTIONARY"},
  };
  return kinds;
}

/// CreateSchemaStmt → CREATE SCHEMA.
std::string spelled_out(std::string_view node_name) {
  if (node_name.ends_with("Stmt")) node_name.remove_suffix(4);
  std::string words;
  for (const char c : node_name) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0 && !words.empty()) words += ' ';
    words += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return words;
}

/// OBJECT_TABLE → TABLE.
std::string object_type(const ParseNode& node, const char* key) {
  std::string name = node.value(key, "OBJECT_TABLE");
  static const std::map<std::string, std::string, std::less<>> irregular{
      {"OBJECT_MATVIEW", "MATERIALIZED VIEW"},
      {"OBJECT_FOREIGN_SERVER", "SERVER"},
      {"OBJECT_FDW", "FOREIGN DATA WRAPPER"},
      {"OBJECT_TABCONSTRAINT", "CONSTRAINT"},
      {"OBJECT_DOMCONSTRAINT", "CONSTRAINT"},
      {"OBJECT_ATTRIBUTE", "TYPE"},
      {"OBJECT_STATISTIC_EXT", "STATISTICS"},
      {"OBJECT_LARGEOBJECT", "LARGE OBJECT"},
      {"OBJECT_OPCLASS", "OPERATOR CLASS"},
      {"OBJECT_OPFAMILY", "OPERATOR FAMILY"},
      {"OBJECT_TSCONFIGURATION", "TEXT SEARCH CONFIGURATION"},
      {"OBJECT_TSDICTIONARY", "TEXT SEARCH DICTIONARY"},
      {"OBJECT_TSPARSER", "TEXT SEARCH PARSER"},
      {"OBJECT_TSTEMPLATE", "TEXT SEARCH TEMPLATE"}};
  if (const auto found = irregular.find(name); found != irregular.end()) return found->second;
  if (name.starts_with("OBJECT_")) name.erase(0, 7);
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string transaction_kind(const ParseNode& node) {
  std::string name = node.value("kind", "TRANS_STMT_BEGIN");
  static const std::map<std::string, std::string, std::less<>> irregular{
      {"TRANS_STMT_START", "START TRANSACTION"},
      {"TRANS_STMT_PREPARE", "PREPARE TRANSACTION"},
      {"TRANS_STMT_ROLLBACK_TO", "ROLLBACK TO SAVEPOINT"},
      {"TRANS_STMT_RELEASE", "RELEASE SAVEPOINT"}};
  if (const auto found = irregular.find(name); found != irregular.end()) return found->second;
  name.erase(0, std::string_view{"TRANS_STMT_"}.size());
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// RENAME, SET SCHEMA and OWNER TO: a column, constraint or policy is renamed by altering what it belongs to.
std::string altered(const ParseNode& node, const char* key) {
  std::string type = object_type(node, key);
  if (type == "COLUMN") type = node.contains("relationType") ? object_type(node, "relationType") : "TABLE";
  if (type == "CONSTRAINT") type = node.value(key, "") == "OBJECT_DOMCONSTRAINT" ? "DOMAIN" : "TABLE";
  return "ALTER " + type;
}

std::string kind_of(std::string_view name, const ParseNode& node) {
  const auto flag = [&](const char* key) { return node.value(key, false); };
  if (name == "AlterTableStmt") return "ALTER " + object_type(node, "objtype");
  if (name == "RenameStmt") return altered(node, "renameType");
  if (name == "AlterObjectSchemaStmt" || name == "AlterOwnerStmt" || name == "AlterObjectDependsStmt")
    return altered(node, "objectType");
  if (name == "DropStmt") return "DROP " + object_type(node, "removeType");
  if (name == "DefineStmt") return "CREATE " + object_type(node, "kind");
  if (name == "CommentStmt") return "COMMENT ON " + object_type(node, "objtype");
  if (name == "AlterFunctionStmt") return "ALTER " + object_type(node, "objtype");
  if (name == "CreateTableAsStmt")
    return object_type(node, "objtype") == "TABLE" ? "CREATE TABLE AS" : "CREATE MATERIALIZED VIEW";
  if (name == "CreateFunctionStmt") return flag("is_procedure") ? "CREATE PROCEDURE" : "CREATE FUNCTION";
  if (name == "GrantStmt" || name == "GrantRoleStmt") return flag("is_grant") ? "GRANT" : "REVOKE";
  if (name == "SelectStmt") return node.contains("intoClause") ? "SELECT INTO" : "SELECT";
  if (name == "VacuumStmt") return flag("is_vacuumcmd") ? "VACUUM" : "ANALYZE";
  if (name == "VariableSetStmt") return node.value("kind", "").starts_with("VAR_RESET") ? "RESET" : "SET";
  if (name == "TransactionStmt") return transaction_kind(node);
  const auto found = irregular_kinds().find(name);
  return found != irregular_kinds().end() ? found->second : spelled_out(name);
}

/// A DefElem's value read as a boolean; `absent` if there is no such option.
bool option(const ParseNode& node, const char* list, std::string_view name, bool absent) {
  if (!node.contains(list)) return absent;
  for (const ParseNode& item : node[list]) {
    const ParseNode element = item.value("DefElem", ParseNode::object());
    if (element.value("defname", "") != name) continue;
    const ParseNode value = element.value("arg", ParseNode::object());
    if (value.empty()) return true;
    if (value.contains("Integer")) return value["Integer"].value("ival", 0) != 0;
    if (value.contains("Boolean")) return value["Boolean"].value("boolval", false);
    std::string text = value.contains("String") ? value["String"].value("sval", "") : "true";
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text != "false" && text != "off" && text != "0" && text != "no";
  }
  return absent;
}

bool detaches_concurrently(const ParseNode& alter_table) {
  if (!alter_table.contains("cmds")) return false;
  return std::any_of(alter_table["cmds"].begin(), alter_table["cmds"].end(), [](const ParseNode& item) {
    const ParseNode command = item.value("AlterTableCmd", ParseNode::object());
    const ParseNode partition = command.value("def", ParseNode::object()).value("PartitionCmd", ParseNode::object());
    return command.value("subtype", "") == "AT_DetachPartition" && partition.value("concurrent", false);
  });
}

bool subscription_outside(std::string_view name, const ParseNode& node) {
  if (name == "DropSubscriptionStmt")
    return true;  // whether it has a slot, only the server knows; outside a block it always works
  if (name == "CreateSubscriptionStmt")
    return option(node, "options", "create_slot", option(node, "options", "connect", true));
  const std::string kind = node.value("kind", "");
  if (kind == "ALTER_SUBSCRIPTION_REFRESH") return true;
  return kind.ends_with("_PUBLICATION") && option(node, "options", "refresh", true);
}

bool reindex_outside(const ParseNode& node) {
  const std::string kind = node.value("kind", "");
  const bool many =
      kind == "REINDEX_OBJECT_SCHEMA" || kind == "REINDEX_OBJECT_DATABASE" || kind == "REINDEX_OBJECT_SYSTEM";
  return many || option(node, "params", "concurrently", false);
}

bool runs_outside(std::string_view name, const ParseNode& node) {
  constexpr std::array always{"CreatedbStmt", "DropdbStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt",
                              "AlterSystemStmt"};
  if (std::find(always.begin(), always.end(), name) != always.end()) return true;
  if (name == "IndexStmt" || name == "DropStmt") return node.value("concurrent", false);
  if (name == "ReindexStmt") return reindex_outside(node);
  if (name == "VacuumStmt") return node.value("is_vacuumcmd", false);
  if (name == "ClusterStmt") return !node.contains("relation");
  if (name == "AlterDatabaseStmt") return option(node, "options", "tablespace", false);
  if (name == "AlterTableStmt") return detaches_concurrently(node);
  if (name == "DiscardStmt") return node.value("target", "") == "DISCARD_ALL";
  if (name.find("SubscriptionStmt") != std::string_view::npos) return subscription_outside(name, node);
  return false;
}

bool only_session(std::string_view name, const std::string& kind) {
  constexpr std::array nodes{
      "VariableSetStmt", "VariableShowStmt", "ConstraintsSetStmt", "LockStmt",       "DiscardStmt", "DeallocateStmt",
      "PrepareStmt",     "ListenStmt",       "UnlistenStmt",       "CheckPointStmt", "LoadStmt"};
  if (name == "TransactionStmt") return kind != "COMMIT" && kind != "COMMIT PREPARED" && kind != "PREPARE TRANSACTION";
  return std::find(nodes.begin(), nodes.end(), name) != nodes.end();
}

std::string object_of(std::string_view name, const ParseNode& node) {
  if (name == "IndexStmt" && node.contains("idxname")) return node["idxname"].get<std::string>();
  if (name == "CreateTableAsStmt") return name_in(node.value("into", ParseNode::object()).value("rel", ParseNode{}));
  constexpr std::array keys{"relation", "view",           "sequence",    "domainname", "typeName", "typevar",
                            "funcname", "defnames",       "trigname",    "extname",    "subname",  "schemaname",
                            "dbname",   "role",           "rolename",    "object",     "objects",  "relations",
                            "pubname",  "tablespacename", "policy_name", "servername", "fdwname",  "name",
                            "func",     "opfamilyname",   "roles"};
  for (const char* key : keys) {
    if (!node.contains(key)) continue;
    std::string found = name_in(node[key]);
    if (!found.empty()) return found;
  }
  return {};
}

std::string joined_names(const ParseNode& list) {
  std::string out;
  for (const ParseNode& item : list) {
    const std::string part = name_in(item);
    if (!part.empty()) out += (out.empty() ? "" : ".") + part;
  }
  return out;
}

}  // namespace

std::string name_in(const ParseNode& node) {
  if (node.is_string()) return node.get<std::string>();
  if (node.is_array()) {
    const bool names = !node.empty() && node.front().is_object() && node.front().contains("String");
    return names          ? joined_names(node)
           : node.empty() ? ""
                          : name_in(node.front());  // several objects: the first one stands for them
  }
  if (!node.is_object()) return {};
  if (node.contains("relname")) {
    const std::string schema = node.value("schemaname", "");
    return (schema.empty() ? "" : schema + ".") + node["relname"].get<std::string>();
  }
  if (node.contains("rolename")) return node["rolename"].get<std::string>();
  if (node.contains("sval")) return node["sval"].is_string() ? node["sval"].get<std::string>() : name_in(node["sval"]);
  for (const char* inner :
       {"String", "RangeVar", "List", "TypeName", "ObjectWithArgs", "RoleSpec", "items", "names", "objname"}) {
    if (node.contains(inner)) return name_in(node[inner]);
  }
  return {};
}

void classify(const ParseNode& statement, Statement& out) {
  if (!statement.is_object() || statement.empty()) return;
  const std::string& name = statement.begin().key();
  const ParseNode& node = statement.begin().value();
  out.kind = kind_of(name, node);
  out.object = object_of(name, node);
  out.transaction_control = name == "TransactionStmt";
  out.outside_transaction = runs_outside(name, node);
  out.session_only = only_session(name, out.kind);
}

}  // namespace belay
