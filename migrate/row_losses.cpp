#include "migrate/row_losses.hpp"

#include <fmt/format.h>

#include "common/parse_tree.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::uint64_t one_in = 100;

class Finder {
 public:
  void look(const Script& script) {
    for (const Statement& statement : script.statements) {
      look(executed_by(statement.text));
      if (const std::optional<FunctionBody> body = function_body(statement.text)) look(body->executed);
    }
  }
  [[nodiscard]] TakenFrom found() {
    // A table that was renamed is the same one, whichever way round the statements stand.
    for (std::size_t pass = 0; pass < renamed_.size(); ++pass) {
      for (const auto& [from, to] : renamed_) {
        if (found_.tables.contains(to)) found_.tables.insert(from);
        if (found_.tables.contains(from)) found_.tables.insert(to);
      }
    }
    return std::move(found_);
  }

 private:
  void look(const Executed& executed) {
    for (const ParseNode& node : executed.statements) {
      walk_nodes(node, [this](std::string_view kind, const ParseNode& inner) {
        see(kind, inner);
        return true;
      });
    }
  }
  void see(std::string_view kind, const ParseNode& node);
  void see_drop(const ParseNode& node);

  TakenFrom found_;
  std::vector<std::pair<std::string, std::string>> renamed_;
};

void Finder::see(std::string_view kind, const ParseNode& node) {
  if (kind == "DeleteStmt" || kind == "MergeStmt") found_.tables.insert(name_in(member(node, "relation")));
  if (kind == "TruncateStmt") {
    for (const ParseNode& relation : member(node, "relations")) found_.tables.insert(name_in(relation));
  }
  if (kind == "DropStmt") see_drop(node);
  if (kind != "RenameStmt" || node.value("renameType", "") != "OBJECT_TABLE") return;
  const ParseNode& relation = member(node, "relation");
  const std::string schema = relation.value("schemaname", "");
  renamed_.emplace_back(name_in(relation), (schema.empty() ? "" : schema + ".") + node.value("newname", ""));
}

void Finder::see_drop(const ParseNode& node) {
  const std::string type = node.value("removeType", "");
  for (const ParseNode& object : member(node, "objects")) {
    if (type == "OBJECT_TABLE") found_.tables.insert(name_in(object));
    if (type == "OBJECT_SCHEMA") found_.schemas.insert(name_in(object));
  }
}

std::string shown(const RowCount& table) { return quote_identifier(table.schema) + "." + quote_identifier(table.name); }

}  // namespace

bool TakenFrom::names(const std::string& schema, const std::string& table) const {
  return tables.contains(table) || tables.contains(schema + "." + table) || schemas.contains(schema);
}

TakenFrom taken_from(const std::vector<const Script*>& scripts) {
  Finder finder;
  for (const Script* script : scripts) finder.look(*script);
  return finder.found();
}

Losses find_losses(const std::vector<RowCount>& tables) {
  Losses losses;
  for (const RowCount& table : tables) {
    if (table.after >= table.before) continue;
    const std::uint64_t lost = table.before - table.after;
    const std::string line = fmt::format("table {} lost {} of {} rows{}", shown(table), lost, table.before,
                                         table.name_now.empty() ? " (it is gone)" : "");
    if (table.critical) {
      losses.critical.push_back(line + "; it is a --critical-table");
    } else if (!table.accounted && lost * one_in > table.before) {
      losses.others.push_back(
          line + ", and no DELETE, TRUNCATE or DROP of the pending SQL names it (--expect-loss, if that is meant)");
    }
  }
  return losses;
}

}  // namespace belay
