#include "common/outside_effects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>

#include "common/parse_tree.hpp"

namespace belay {

namespace {

using Names = std::set<std::string, std::less<>>;

/// Statements that change what all databases of the server share, or another server.
const Names& outside_statements() {
  static const Names names{"CreateRoleStmt",
                           "AlterRoleStmt",
                           "AlterRoleSetStmt",
                           "DropRoleStmt",
                           "GrantRoleStmt",
                           "ReassignOwnedStmt",
                           "DropOwnedStmt",
                           "CreatedbStmt",
                           "DropdbStmt",
                           "AlterDatabaseStmt",
                           "AlterDatabaseSetStmt",
                           "AlterDatabaseRefreshCollStmt",
                           "AlterSystemStmt",
                           "CreateTableSpaceStmt",
                           "DropTableSpaceStmt",
                           "AlterTableSpaceOptionsStmt",
                           "CreateSubscriptionStmt",
                           "AlterSubscriptionStmt",
                           "DropSubscriptionStmt",
                           "CreateForeignServerStmt",
                           "AlterForeignServerStmt",
                           "CreateForeignTableStmt",
                           "ImportForeignSchemaStmt",
                           "CreateUserMappingStmt",
                           "AlterUserMappingStmt"};
  return names;
}

/// Definitions: what stands in them runs later, if at all.
const Names& definitions() {
  static const Names names{"CreateFunctionStmt", "ViewStmt", "RuleStmt", "CreatePolicyStmt", "AlterPolicyStmt"};
  return names;
}

const Names& outside_functions() {
  static const Names names{"lo_import",
                           "lo_export",
                           "pg_read_file",
                           "pg_read_binary_file",
                           "pg_stat_file",
                           "pg_ls_dir",
                           "pg_file_write",
                           "pg_file_sync",
                           "pg_file_rename",
                           "pg_file_unlink",
                           "pg_reload_conf",
                           "pg_rotate_logfile",
                           "pg_terminate_backend",
                           "pg_cancel_backend",
                           "pg_switch_wal",
                           "pg_create_restore_point",
                           "pg_promote",
                           "pg_create_physical_replication_slot",
                           "pg_create_logical_replication_slot",
                           "pg_drop_replication_slot",
                           "pg_replication_origin_create",
                           "pg_replication_origin_drop",
                           "http",
                           "http_get",
                           "http_post",
                           "http_put",
                           "http_patch",
                           "http_delete"};
  return names;
}

/// Schemas of extensions whose functions and tables act elsewhere: pg_cron, pg_net, aws_s3, aws_lambda.
const Names& outside_schemas() {
  static const Names names{"cron", "net", "aws_s3", "aws_lambda"};
  return names;
}

/// Catalogs that all databases share; a superuser may write to them.
const Names& shared_catalogs() {
  static const Names names{
      "pg_authid",        "pg_auth_members", "pg_database",     "pg_db_role_setting",    "pg_parameter_acl",
      "pg_shdescription", "pg_shseclabel",   "pg_subscription", "pg_replication_origin", "pg_tablespace"};
  return names;
}

/// OBJECT_… of what RENAME, OWNER TO, COMMENT, GRANT and SECURITY LABEL may name.
bool is_shared_object(const std::string& type) {
  constexpr std::array shared{"OBJECT_ROLE", "OBJECT_DATABASE", "OBJECT_TABLESPACE", "OBJECT_SUBSCRIPTION",
                              "OBJECT_PARAMETER_ACL"};
  return std::find(shared.begin(), shared.end(), type) != shared.end();
}

std::string words_of(std::string_view key, const ParseNode& node) {
  Statement statement;
  classify(ParseNode{{std::string{key}, node}}, statement);
  return statement.object.empty() ? statement.kind : statement.kind + " " + statement.object;
}

std::string of_shared_object(std::string_view key, const ParseNode& node) {
  constexpr std::array keys{"renameType", "objectType", "objtype"};
  constexpr std::array statements{"RenameStmt", "AlterOwnerStmt", "CommentStmt", "GrantStmt", "SecLabelStmt"};
  if (std::find(statements.begin(), statements.end(), key) == statements.end()) return {};
  const bool shared =
      std::any_of(keys.begin(), keys.end(), [&](const char* type) { return is_shared_object(node.value(type, "")); });
  return shared ? words_of(key, node) : "";
}

std::string of_copy(const ParseNode& node) {
  if (node.value("is_program", false)) return "COPY with a program on the server";
  return node.contains("filename") ? "COPY with a file on the server" : "";
}

std::string of_call(const ParseNode& node) {
  const ParseNode& names = member(node, "funcname");
  if (names.empty()) return {};
  const std::string whole = name_in(names);
  const std::string name = name_in(names.back());
  const std::string schema = names.size() > 1 ? name_in(names.front()) : "";
  const bool outside =
      outside_functions().contains(name) || outside_schemas().contains(schema) || name.starts_with("dblink");
  return outside ? "calls " + whole : "";
}

std::string of_writing(std::string_view key, const ParseNode& node) {
  if (key != "InsertStmt" && key != "UpdateStmt" && key != "DeleteStmt" && key != "MergeStmt") return {};
  const ParseNode& relation = member(node, "relation");
  const bool shared = shared_catalogs().contains(relation.value("relname", "")) ||
                      outside_schemas().contains(relation.value("schemaname", ""));
  return shared ? "writes to " + name_in(relation) : "";
}

/// In words; empty where the node has no effect outside the database.
std::string effect_of(std::string_view key, const ParseNode& node) {
  if (outside_statements().contains(key)) return words_of(key, node);
  if (key == "CopyStmt") return of_copy(node);
  if (key == "FuncCall" || key == "funccall") return of_call(node);
  if (key == "TransactionStmt") return node.value("kind", "") == "TRANS_STMT_PREPARE" ? words_of(key, node) : "";
  const std::string written = of_writing(key, node);
  return written.empty() ? of_shared_object(key, node) : written;
}

/// Follows a script: what it runs, and the functions that it defines, for the case that it calls them.
class Follower {
 public:
  void see(const Statement& statement) {
    line_ = statement.line;
    if (const std::optional<FunctionBody> body = function_body(statement.text)) {
      functions_[body->name] = body->executed;
      return;
    }
    follow(executed_by(statement.text), "");
  }
  std::vector<OutsideEffect> effects;

 private:
  /// `by`: the function that runs it, in words.
  void follow(const Executed& executed, const std::string& by) {
    for (const ParseNode& node : executed.statements) {
      walk_nodes(node, [&](std::string_view key, const ParseNode& found) {
        if (definitions().contains(key)) return false;
        const std::string what = effect_of(key, found);
        if (!what.empty()) effects.push_back({line_, what + by, false});
        if (key == "FuncCall" || key == "funccall") call(found);
        return true;
      });
    }
    if (!executed.unknown.empty()) effects.push_back({line_, executed.unknown + by, true});
  }

  /// Each function once: it may call itself.
  void call(const ParseNode& node) {
    const ParseNode& names = member(node, "funcname");
    const auto function = functions_.find(names.empty() ? "" : name_in(names.back()));
    if (function == functions_.end()) return;
    const std::string by = " (in " + function->first + ")";
    const Executed executed = std::move(function->second);
    functions_.erase(function);
    follow(executed, by);
  }

  std::map<std::string, Executed> functions_;
  int line_ = 1;
};

}  // namespace

std::vector<OutsideEffect> outside_effects(const Script& script) {
  if (!script.parsed && !script.text.empty())
    return {{1, fmt::format("SQL that the parser does not understand ({})", script.parse_error), true}};
  Follower follower;
  for (const Statement& statement : script.statements) follower.see(statement);
  return std::move(follower.effects);
}

std::string outside_effect_lines(const std::string& migration, const Script& script) {
  std::string text;
  for (const OutsideEffect& effect : outside_effects(script))
    text += fmt::format("{}, line {}: {}{}\n", migration, effect.line, effect.what,
                        effect.unknown ? " (what it does cannot be told beforehand)" : "");
  return text;
}

}  // namespace belay
