#include "common/expression_equal.hpp"

#include <pg_query.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace belay {

namespace {

using Node = nlohmann::json;

/// What a recorded text is a part of: it is parsed with this around it. The first frame in which a text parses is the
/// right one for all of its kind, and since the tree holds every word of the text, any frame would do.
struct Frame {
  std::string_view before, after;
};
constexpr std::array frames{
    Frame{"", ""},                                     // a view
    Frame{"SELECT (", "\n)"},                          // default, generated column, policy, row filter
    Frame{"ALTER TABLE t ADD CONSTRAINT c ", ""},      // constraint, of a domain too
    Frame{"CREATE INDEX i ON t USING ", ""},           // index
    Frame{"CREATE TRIGGER g AFTER INSERT ON t ", ""},  // trigger
    Frame{"CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t ", ""},
    Frame{"CREATE RULE r AS ON UPDATE TO t ", ""},      // rule
    Frame{"CREATE FUNCTION f", ""},                     // function
    Frame{"CREATE PROCEDURE p", ""},                    // procedure
    Frame{"CREATE STATISTICS s ", " FROM t"},           // statistics object
    Frame{"CREATE TABLE t (c int) PARTITION BY ", ""},  // partition key
};

/// Comparing and freeing a tree goes as deep into the stack as the tree is deep, and a file can hold anything.
constexpr std::size_t deepest = 3000, longest = std::size_t{1024} * 1024;

bool too_deep(std::string_view json) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      if (c == '\\') ++i;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > deepest) return true;
  }
  return false;
}

struct Parsed {
  std::string sql;
  Node tree;
};

std::optional<Parsed> parse_in(const Frame& frame, const std::string& text) {
  std::string sql = std::string{frame.before} + text + std::string{frame.after};
  const PgQueryParseResult result = pg_query_parse(sql.c_str());
  std::optional<Parsed> parsed;
  if (result.error == nullptr && result.parse_tree != nullptr && !too_deep(result.parse_tree)) {
    Node tree = Node::parse(result.parse_tree, nullptr, false);
    if (tree.is_object() && tree.contains("stmts") && tree["stmts"].size() == 1)
      parsed = Parsed{std::move(sql), std::move(tree["stmts"])};
  }
  pg_query_free_parse_result(result);
  return parsed;
}

bool is_place(const std::string& key) { return key == "location" || key == "stmt_location" || key == "stmt_len"; }

/// Brings a tree into the form in which equal expressions are equal trees.
class Leveller {
 public:
  explicit Leveller(const std::string& sql) : sql_(sql) {}

  void level(Node& node) {
    if (!node.is_structured()) return;
    if (node.contains("A_Const")) name_negative(node["A_Const"]);
    if (node.is_object()) {
      for (auto member = node.begin(); member != node.end();)
        member = is_place(member.key()) ? node.erase(member) : std::next(member);
    }
    for (Node& child : node) level(child);
    if (node.contains("TypeCast")) level_cast(node);
    if (node.contains("BoolExpr")) flatten(node["BoolExpr"]);
    if (node.contains("ResTarget")) drop_implied_name(node["ResTarget"]);
  }

 private:
  /// libpg_query writes every negative whole number as if it were 0, so its digits are taken from the text.
  void name_negative(Node& constant) const {
    if (!constant.contains("ival") || constant["ival"].contains("ival")) return;
    const std::size_t at = constant.value("location", std::size_t{0});
    if (at >= sql_.size() || sql_[at] != '-') return;
    constant["ival"]["ival"] = sql_.substr(at, sql_.find_first_not_of("- \t\r\n0123456789", at) - at);
  }

  /// The cast of an array is the array of cast elements; the element type is the array's without its bounds.
  static void level_cast(Node& node) {
    Node& cast = node["TypeCast"];
    if (!cast.contains("arg") || !cast.contains("typeName")) return;
    const Node type = cast["typeName"];
    if (cast["arg"].contains("TypeCast") && cast["arg"]["TypeCast"].value("typeName", Node{}) == type) {
      node = Node(cast["arg"]);
      return;
    }
    const bool array = cast["arg"].contains("A_ArrayExpr") && cast["arg"]["A_ArrayExpr"].contains("elements");
    if (!array || !type.contains("arrayBounds")) return;  // an empty array has nothing else that says its type
    Node elements = cast["arg"];
    for (Node& element : elements["A_ArrayExpr"]["elements"]) element = cast_element(std::move(element), type);
    node = std::move(elements);
  }

  static Node cast_element(Node element, Node type) {
    const bool array = element.contains("A_ArrayExpr") ||
                       (element.contains("TypeCast") && element["TypeCast"]["typeName"].contains("arrayBounds"));
    if (!array) type.erase("arrayBounds");
    Node cast{{"TypeCast", {{"arg", std::move(element)}, {"typeName", std::move(type)}}}};
    level_cast(cast);
    return cast;
  }

  /// `(a OR b) OR c` is printed with all three side by side the next time.
  static void flatten(Node& expression) {
    if (!expression.contains("args")) return;
    Node args = Node::array();
    for (Node& arg : expression["args"]) {
      const bool same = arg.contains("BoolExpr") && arg["BoolExpr"]["boolop"] == expression["boolop"];
      if (!same || expression["boolop"] == "NOT_EXPR") {
        args.push_back(std::move(arg));
      } else {
        for (Node& inner : arg["BoolExpr"]["args"]) args.push_back(std::move(inner));
      }
    }
    expression["args"] = std::move(args);
  }

  /// `'a'::text AS text`: the name that it would have without saying so.
  static void drop_implied_name(Node& target) {
    if (!target.contains("name") || !target.contains("val") || !target["val"].contains("TypeCast")) return;
    const Node& cast = target["val"]["TypeCast"];
    const bool constant = cast.contains("arg") && cast["arg"].contains("A_Const") && cast["typeName"].contains("names");
    if (!constant) return;
    const Node& type = cast["typeName"]["names"].back();
    if (type.contains("String") && type["String"].value("sval", "") == target["name"]) target.erase("name");
  }

  const std::string& sql_;
};

Node levelled(Parsed parsed) {
  Leveller{parsed.sql}.level(parsed.tree);
  return std::move(parsed.tree);
}

}  // namespace

bool same_expression(const std::string& a, const std::string& b) {
  if (a == b) return true;
  for (const std::string* text : {&a, &b}) {
    if (text->size() > longest || text->find('\0') != std::string::npos) return false;
  }
  for (const Frame& frame : frames) {
    std::optional<Parsed> first = parse_in(frame, a);
    std::optional<Parsed> second = first ? parse_in(frame, b) : std::nullopt;
    if (second) return levelled(std::move(*first)) == levelled(std::move(*second));
  }
  return false;
}

}  // namespace belay
