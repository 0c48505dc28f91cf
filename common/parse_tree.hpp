// The server's own parser's tree of a statement, and of what a DO block will run.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/script_kinds.hpp"

namespace belay {

/// The nodes of all statements in `sql`, each like `{"CreateStmt": {…}}`; none if the parser does not understand it.
[[nodiscard]] std::optional<std::vector<ParseNode>> parse_statements(const std::string& sql);

/// The node of the one statement in `text`, `{"CreateStmt": {…}}`; none if it cannot be read, or is not one.
[[nodiscard]] std::optional<ParseNode> parse_statement(const std::string& text);

/// What running a statement will run.
struct Executed {
  std::vector<ParseNode> statements;  ///< itself; of a DO block, the SQL that stands in it instead
  std::string unknown;                ///< why that may not be all; empty = it is
};
/// A DO block in PL/pgSQL is taken apart: its static SQL, its expressions (as SELECT), and what it hands to EXECUTE as
/// a constant, or as a constant with quoted names and values put in: format() with %I and %L, quote_ident,
/// quote_literal. Such a name is called %I then. Functions that are called are not followed.
[[nodiscard]] Executed executed_by(const std::string& statement);

/// What a call of the function that `create_function` makes will run, in PL/pgSQL or SQL. `name`: as written, the last
/// part; none if the statement makes no function.
struct FunctionBody {
  std::string name;
  Executed executed;
};
[[nodiscard]] std::optional<FunctionBody> function_body(const std::string& create_function);

/// Calls `see` with every named node at or below `root`, e.g. ("FuncCall", {…}); where it returns false, the node's own
/// children are left out.
void walk_nodes(const ParseNode& root, const std::function<bool(std::string_view, const ParseNode&)>& see);

/// The member `key` of `node`; an empty object if there is none.
[[nodiscard]] const ParseNode& member(const ParseNode& node, const char* key);

}  // namespace belay
