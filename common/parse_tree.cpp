#include "common/parse_tree.hpp"

#include <memory>

#include "common/pg_query_results.hpp"

namespace belay {

namespace {

void say_unknown(Executed& all, const std::string& why) {
  if (all.unknown.empty()) all.unknown = why;
}

// What stands for a name and a value that are known only when the statement runs. Quoted, they cannot be anything else.
constexpr std::string_view some_name = "\"%I\"", some_value = "'%L'";

bool continues_a_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         c == '"' || c == '\'' || static_cast<unsigned char>(c) >= 0x80;
}

/// Appends `placeholder`; false where what is before it would be part of the same word.
bool add_placeholder(std::string& text, std::string_view placeholder) {
  if (!text.empty() && continues_a_word(text.back())) return false;
  text += placeholder;
  return true;
}

/// format()'s text with placeholders for %I and %L; none if it has %s, which may be anything.
std::optional<std::string> formatted(const std::string& format) {
  std::string text;
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      if (text.ends_with(some_name) && continues_a_word(format[at])) return std::nullopt;
      text += format[at];
      continue;
    }
    ++at;
    const std::size_t digits = format.find_first_not_of("0123456789", at);
    if (digits != std::string::npos && digits > at && format[digits] == '$') at = digits + 1;
    const char kind = at < format.size() ? format[at] : '\0';
    if (kind == '%') {
      text += '%';
    } else if ((kind != 'I' && kind != 'L') || !add_placeholder(text, kind == 'I' ? some_name : some_value)) {
      return std::nullopt;
    }
  }
  return text;
}

/// The text that an expression makes, with placeholders for quoted names and values that are not known; none where it
/// may be anything.
std::optional<std::string> text_of(const ParseNode& expression) {
  if (const ParseNode& constant = member(expression, "A_Const"); constant.contains("sval"))
    return name_in(constant["sval"]);
  const ParseNode& call = member(expression, "FuncCall");
  const ParseNode& arguments = member(call, "args");
  if (!call.empty() && arguments.is_array() && !arguments.empty()) {
    const std::string name = name_in(member(call, "funcname").back());
    if (name == "quote_ident") return std::string{some_name};
    if (name == "quote_literal" || name == "quote_nullable") return std::string{some_value};
    const std::optional<std::string> format = name == "format" ? text_of(arguments.front()) : std::nullopt;
    return format ? formatted(*format) : std::nullopt;
  }
  const ParseNode& joined = member(expression, "A_Expr");
  if (joined.empty() || !member(joined, "name").is_array() || name_in(member(joined, "name").back()) != "||")
    return std::nullopt;
  std::optional<std::string> left = text_of(member(joined, "lexpr"));
  const std::optional<std::string> right = text_of(member(joined, "rexpr"));
  if (!left || !right) return std::nullopt;
  // A quoted name may come out without its quotes, and be part of a longer word then.
  const bool grows =
      !left->empty() && !right->empty() && continues_a_word(left->back()) && continues_a_word(right->front());
  if (grows && (left->ends_with('"') || right->starts_with('"') || left->ends_with('\'') || right->starts_with('\'')))
    return std::nullopt;
  return *left + *right;
}

/// The expression of a PL/pgSQL EXECUTE.
std::optional<std::string> text_of_expression(const std::vector<ParseNode>& parsed) {
  if (parsed.size() != 1) return std::nullopt;
  const ParseNode& targets = member(member(parsed.front(), "SelectStmt"), "targetList");
  if (targets.size() != 1 || !targets.is_array()) return std::nullopt;
  return text_of(member(member(targets.front(), "ResTarget"), "val"));
}

/// SQL of a PL/pgSQL block: a statement, an expression, or `variable := expression`.
std::optional<std::vector<ParseNode>> parse_piece(const std::string& text) {
  if (auto parsed = parse_statements(text)) return parsed;
  if (const std::size_t assigned = text.find(":="); assigned != std::string::npos) {
    if (auto parsed = parse_statements("SELECT " + text.substr(assigned + 2))) return parsed;
  }
  return parse_statements("SELECT " + text);
}

void add_statements(Executed& all, const std::vector<ParseNode>& statements);

void add_piece(Executed& all, const std::string& text) {
  if (const auto parsed = parse_piece(text)) return add_statements(all, *parsed);
  say_unknown(all, "a block with a part that the parser does not understand");
}

void add_dynamic(Executed& all, const std::string& expression) {
  const std::optional<std::vector<ParseNode>> making = parse_statements("SELECT " + expression);
  const std::optional<std::string> text = making ? text_of_expression(*making) : std::nullopt;
  const auto parsed = text ? parse_statements(*text) : std::nullopt;
  if (!parsed) return say_unknown(all, "EXECUTE of SQL that is known only when it runs");
  add_statements(all, *making);  // what it calls to make the text
  add_statements(all, *parsed);
}

/// Where the text of a statement to be run stands in the nodes of a PL/pgSQL tree.
bool is_dynamic(std::string_view statement, std::string_view key) {
  const bool executes = statement == "PLpgSQL_stmt_dynexecute" || statement == "PLpgSQL_stmt_dynfors";
  return key == "dynquery" || (executes && key == "query");
}

void add_block(Executed& all, const ParseNode& node, std::string_view statement) {
  if (!node.is_structured()) return;
  if (node.is_array()) {
    for (const ParseNode& item : node) add_block(all, item, statement);
    return;
  }
  for (const auto& [key, value] : node.items()) {
    const ParseNode& expression = member(value, "PLpgSQL_expr");
    if (!expression.contains("query")) {
      add_block(all, value, key.starts_with("PLpgSQL_stmt") ? std::string_view{key} : statement);
    } else if (is_dynamic(statement, key)) {
      add_dynamic(all, name_in(expression["query"]));
    } else {
      add_piece(all, name_in(expression["query"]));
    }
  }
}

/// The DO statement once more, from its node: it may have come out of a constant.
std::string do_statement(const std::string& body) {
  std::string tag = "$belay$";
  while (body.find(tag) != std::string::npos) tag.insert(tag.size() - 1, "x");
  return "DO " + tag + body + tag;
}

/// The text of one of the options of DO or CREATE FUNCTION.
std::string option_text(const ParseNode& options, const char* name) {
  for (const ParseNode& item : options) {
    const ParseNode& element = member(item, "DefElem");
    if (element.value("defname", "") == name) return name_in(member(element, "arg"));
  }
  return {};
}

/// `statement`: DO or CREATE FUNCTION, in PL/pgSQL.
void add_plpgsql(Executed& all, const std::string& statement) {
  const PlpgsqlResult parsed{pg_query_parse_plpgsql(statement.c_str())};
  const char* functions = parsed->error == nullptr ? parsed->plpgsql_funcs : nullptr;
  const ParseNode tree = functions == nullptr ? ParseNode{} : ParseNode::parse(functions, nullptr, false);
  if (!tree.is_array() || tree.empty()) return say_unknown(all, "a block that the parser does not understand");
  add_block(all, tree, "");
}

void add_do(Executed& all, const ParseNode& node) {
  const ParseNode& options = member(node, "args");
  const std::string language = option_text(options, "language");
  if (!language.empty() && language != "plpgsql") return say_unknown(all, "a block in the language " + language);
  add_plpgsql(all, do_statement(option_text(options, "as")));
}

void add_statements(Executed& all, const std::vector<ParseNode>& statements) {
  for (const ParseNode& statement : statements) {
    if (statement.contains("DoStmt")) {
      add_do(all, statement["DoStmt"]);
    } else {
      all.statements.push_back(statement);
    }
  }
}

}  // namespace

const ParseNode& member(const ParseNode& node, const char* key) {
  static const ParseNode none = ParseNode::object();
  if (!node.is_object()) return none;
  const auto found = node.find(key);
  return found == node.end() ? none : *found;
}

std::optional<std::vector<ParseNode>> parse_statements(const std::string& sql) {
  const ParseResult parsed{pg_query_parse(sql.c_str())};
  if (parsed->error != nullptr || parsed->parse_tree == nullptr) return std::nullopt;
  const ParseNode tree = ParseNode::parse(parsed->parse_tree, nullptr, false);
  std::vector<ParseNode> statements;
  for (const ParseNode& statement : member(tree, "stmts")) statements.push_back(member(statement, "stmt"));
  return statements;
}

std::optional<ParseNode> parse_statement(const std::string& text) {
  std::optional<std::vector<ParseNode>> statements = parse_statements(text);
  if (!statements || statements->size() != 1) return std::nullopt;
  return std::move(statements->front());
}

Executed executed_by(const std::string& statement) {
  Executed all;
  if (const auto parsed = parse_statements(statement)) {
    add_statements(all, *parsed);
  } else {
    all.unknown = "the parser does not understand it";
  }
  return all;
}

std::optional<FunctionBody> function_body(const std::string& create_function) {
  const auto parsed = parse_statements(create_function);
  if (!parsed || parsed->size() != 1 || !parsed->front().contains("CreateFunctionStmt")) return std::nullopt;
  const ParseNode& node = parsed->front()["CreateFunctionStmt"];
  const ParseNode& name = member(node, "funcname");
  FunctionBody body{.name = name.empty() ? "" : name_in(name.back()), .executed = {}};
  const std::string language = option_text(member(node, "options"), "language");
  if (node.contains("sql_body")) {
    body.executed.statements.push_back({{"sql_body", node["sql_body"]}});
  } else if (language == "plpgsql") {
    add_plpgsql(body.executed, create_function);
  } else if (language == "sql") {
    add_piece(body.executed, option_text(member(node, "options"), "as"));
  }
  return body;
}

void walk_nodes(const ParseNode& root, const std::function<bool(std::string_view, const ParseNode&)>& see) {
  if (root.is_array()) {
    for (const ParseNode& item : root) walk_nodes(item, see);
    return;
  }
  if (!root.is_object()) return;
  for (const auto& [key, value] : root.items()) {
    if (!value.is_structured()) continue;
    if (!value.is_object() || see(key, value)) walk_nodes(value, see);
  }
}

}  // namespace belay
