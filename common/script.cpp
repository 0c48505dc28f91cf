#include "common/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/parse_tree.hpp"
#include "common/pg_query_results.hpp"
#include "common/script_kinds.hpp"

namespace belay {

namespace {

struct Piece {
  std::size_t offset = 0;
  std::size_t length = 0;
};

/// Offsets and lengths are bytes, also where the text is not ASCII.
std::vector<Piece> split(const std::string& text, Script& script) {
  const SplitResult result{pg_query_split_with_parser(text.c_str())};
  if (result->error != nullptr) {
    script.parsed = false;
    script.parse_error = result->error->message;
    return {};
  }
  std::vector<Piece> pieces;
  for (int i = 0; i < result->n_stmts; ++i) {
    const PgQuerySplitStmt& s = *result->stmts[i];
    pieces.push_back({static_cast<std::size_t>(s.stmt_location), static_cast<std::size_t>(s.stmt_len)});
  }
  return pieces;
}

/// Index of the first byte at or after `at` that is neither white space nor comment. Block comments nest.
std::size_t skip_comments(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (std::string_view{" \t\n\r\f\v"}.find(text[at]) != std::string_view::npos) {
      ++at;
    } else if (text.substr(at, 2) == "--") {
      at = std::min(text.find_first_of("\r\n", at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      int depth = 0;
      do {
        const std::string_view two = text.substr(at, 2);
        depth += two == "/*" ? 1 : two == "*/" ? -1 : 0;
        at += two == "/*" || two == "*/" ? 2 : 1;
      } while (depth > 0 && at < text.size());
    } else {
      break;
    }
  }
  return at;
}

bool commits_inside(const std::string& do_statement) {
  const PlpgsqlResult result{pg_query_parse_plpgsql(do_statement.c_str())};
  if (result->error != nullptr || result->plpgsql_funcs == nullptr)
    return false;  // another language, or an error for the server to report
  const std::string_view functions = result->plpgsql_funcs;
  return functions.find("{\"PLpgSQL_stmt_commit\"") != std::string_view::npos ||
         functions.find("{\"PLpgSQL_stmt_rollback\"") != std::string_view::npos;
}

/// True if `text` is the label, or holds it as 'label' (a function's body) or as an element of an array literal.
bool holds_label(const std::string& text, const std::string& label) {
  if (label.empty() || text == label) return text == label;
  constexpr std::string_view around = "'\"{},$";
  for (std::size_t at = text.find(label); at != std::string::npos; at = text.find(label, at + 1)) {
    const std::size_t end = at + label.size();
    const bool left = at > 0 && around.find(text[at - 1]) != std::string_view::npos;
    const bool right = end < text.size() && around.find(text[end]) != std::string_view::npos;
    if (left && right) return true;
  }
  return false;
}

/// Searches string constants for the label, and names, which hold function bodies too, for the label in quotes.
bool uses_label(const ParseNode& root, const std::string& label) {
  std::vector<const ParseNode*> open{&root};
  while (!open.empty()) {
    const ParseNode& node = *open.back();
    open.pop_back();
    if (!node.is_structured()) continue;
    if (node.is_object() && node.contains("A_Const") && node["A_Const"].contains("sval")) {
      if (holds_label(node["A_Const"]["sval"].value("sval", ""), label)) return true;
    } else if (node.is_object() && node.contains("String")) {
      const std::string text = node["String"].value("sval", "");
      if (text != label && holds_label(text, label)) return true;
    }
    for (const auto& child : node) open.push_back(&child);
  }
  return false;
}

/// Follows the script for labels added to an enum and used further down.
class NewLabels {
 public:
  void see(const ParseNode& node, std::size_t index, std::vector<Statement>& statements) {
    for (const Label& label : labels_) {
      if (!statements[label.statement].outside_transaction && uses_label(node, label.text)) {
        statements[label.statement].outside_transaction = true;
      }
    }
    if (!node.contains("AlterEnumStmt")) return;
    const ParseNode& alter = node["AlterEnumStmt"];
    if (alter.contains("oldVal") || !alter.contains("newVal")) return;  // RENAME VALUE: usable at once
    labels_.push_back({index, alter["newVal"].get<std::string>()});
  }

 private:
  struct Label {
    std::size_t statement;
    std::string text;
  };
  std::vector<Label> labels_;
};

/// Server and parser read strings with backslashes differently once this is off, so statement boundaries found here may
/// not be the server's.
bool changes_string_syntax(const ParseNode& statement) {
  const ParseNode set = statement.value("VariableSetStmt", ParseNode::object());
  if (set.value("name", "") != "standard_conforming_strings" || !set.contains("args")) return false;
  const ParseNode value = set["args"].at(0).value("A_Const", ParseNode::object());
  return name_in(value) != "on" && name_in(value) != "true";
}

void give_up(Script& script, const std::string& why) {
  script.parsed = false;
  script.parse_error = why;
  script.statements.clear();
}

void classify_all(Script& script) {
  NewLabels labels;
  std::size_t counted_to = 0;
  int line = 1;
  for (std::size_t i = 0; i < script.statements.size(); ++i) {
    Statement& statement = script.statements[i];
    const std::size_t first_token = skip_comments(script.text, statement.offset);
    line += static_cast<int>(std::count(script.text.begin() + static_cast<std::ptrdiff_t>(counted_to),
                                        script.text.begin() + static_cast<std::ptrdiff_t>(first_token), '\n'));
    counted_to = first_token;
    statement.line = line;
    const std::optional<ParseNode> node = parse_statement(statement.text);
    if (!node) return give_up(script, fmt::format("the statement in line {} could not be read on its own", line));
    classify(*node, statement);
    if (statement.kind == "DO" && commits_inside(statement.text)) statement.outside_transaction = true;
    if (changes_string_syntax(*node)) return give_up(script, "the script changes standard_conforming_strings");
    labels.see(*node, i, script.statements);
  }
  // The server allows a procedure to commit only where the CALL stands alone, as it does in a file that Prisma sends
  // whole.
  if (script.statements.size() == 1 && script.statements.front().kind == "CALL")
    script.statements.front().outside_transaction = true;
}

}  // namespace

bool Script::atomic() const {
  if (!parsed) return text.empty();
  return std::none_of(statements.begin(), statements.end(),
                      [](const Statement& s) { return s.transaction_control || s.outside_transaction; });
}

Script parse_script(const std::string& text) {
  Script script;
  script.text = text;
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    const auto lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(nul), '\n');
    give_up(script,
            fmt::format("a NUL byte in line {}", lines + 1));  // the parser would take it for the end of the text
    return script;
  }
  for (const Piece& piece : split(text, script)) {
    Statement statement;
    statement.text = text.substr(piece.offset, piece.length);
    statement.offset = piece.offset;
    script.statements.push_back(std::move(statement));
  }
  classify_all(script);
  return script;
}

}  // namespace belay
