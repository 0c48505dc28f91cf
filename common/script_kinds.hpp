// What one statement is, from libpg_query's parse tree.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "common/script.hpp"

namespace belay {

using ParseNode = nlohmann::json;

/// Sets kind, object and the three flags, from the parse tree's statement node `{"CreateStmt": {…}}`.
void classify(const ParseNode& statement, Statement& out);

/// `"a"."b"` in any of the parser's forms (RangeVar, list of names, TypeName, ObjectWithArgs) as a.b.
[[nodiscard]] std::string name_in(const ParseNode& node);

}  // namespace belay
