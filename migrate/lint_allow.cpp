// `-- belay:allow RULE: reason`. A comment right above a statement, in it, or behind it on its last line is for that
// statement; one in the file's head, with an empty line between it and the first statement, is for the whole file.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "migrate/lint_rules.hpp"
#include "migrate/sql_scan.hpp"

namespace belay {

namespace {

constexpr std::string_view allow_word = "belay:allow";

struct Allow {
  int line = 1;
  std::vector<std::string> rules;
  std::string reason;
  bool whole_file = false;
  std::optional<std::size_t> statement;
  std::vector<std::string> used;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string current;
  for (const char c : text) {
    const bool between = c == ',' || c == ' ' || c == '\t';
    if (!between) current += c;
    if (between && !current.empty()) words.push_back(std::exchange(current, {}));
  }
  if (!current.empty()) words.push_back(current);
  return words;
}

/// One line of a comment, without the comment's own marks.
std::optional<Allow> allow_in(std::string_view line) {
  std::string_view text = trimmed(line);
  while (text.starts_with("-") || text.starts_with("/") || text.starts_with("*")) text = trimmed(text.substr(1));
  if (!text.starts_with(allow_word)) return std::nullopt;
  text = trimmed(text.substr(allow_word.size()));
  if (text.ends_with("*/")) text = trimmed(text.substr(0, text.size() - 2));
  const std::size_t colon = std::min(text.find(':'), text.size());
  Allow allow;
  allow.rules = words_of(text.substr(0, colon));
  if (colon < text.size()) allow.reason = trimmed(text.substr(colon + 1));
  return allow;
}

bool has_empty_line(std::string_view text) {
  bool after_newline = false;
  for (const char c : text) {
    if (c == '\n' && after_newline) return true;
    if (c == '\n') {
      after_newline = true;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      after_newline = false;
    }
  }
  return false;
}

/// Where the statements of a script begin, behind the comments in front of them, and end.
class Places {
 public:
  Places(const Script& script, const std::vector<ScannedToken>& tokens) : script_(script) {
    for (const Statement& statement : script.statements) {
      const auto first = std::find_if(tokens.begin(), tokens.end(), [&](const ScannedToken& token) {
        return token.kind != ScannedToken::Kind::comment && token.begin >= statement.offset;
      });
      begins_.push_back(first == tokens.end() ? statement.offset : first->begin);
      ends_.push_back(statement.offset + statement.text.size());
    }
  }

  void place(Allow& allow, std::size_t begin, std::size_t end) const {
    const std::string_view text = script_.text;
    std::size_t next = 0;
    while (next < ends_.size() && ends_[next] <= begin) ++next;
    const bool behind = next > 0 && (next == ends_.size() || begin < begins_[next]) &&
                        text.substr(ends_[next - 1], begin - ends_[next - 1]).find('\n') == std::string_view::npos;
    if (behind) {
      allow.statement = next - 1;
    } else if (next < ends_.size()) {
      const bool above = end <= begins_[next];
      allow.whole_file = next == 0 && above && has_empty_line(text.substr(end, begins_[next] - end));
      if (!allow.whole_file) allow.statement = next;
    } else if (ends_.empty()) {
      allow.whole_file = true;
    }
  }

 private:
  const Script& script_;
  std::vector<std::size_t> begins_, ends_;
};

std::vector<Allow> read_allows(const Script& script) {
  std::vector<Allow> allows;
  if (script.text.find(allow_word) == std::string::npos) return allows;
  const std::vector<ScannedToken> tokens = scan_sql(script.text);
  const Places places{script, tokens};
  for (const ScannedToken& token : tokens) {
    if (token.kind != ScannedToken::Kind::comment) continue;
    for (std::size_t at = token.begin; at < token.end;) {
      const std::size_t end = std::min(script.text.find('\n', at), token.end);
      if (std::optional<Allow> allow = allow_in(std::string_view{script.text}.substr(at, end - at))) {
        const auto to = script.text.begin() + static_cast<std::ptrdiff_t>(at);
        allow->line = static_cast<int>(std::count(script.text.begin(), to, '\n')) + 1;
        // A line comment's token takes its newline with it on some versions: the end is that of its text.
        places.place(*allow, token.begin, std::min(token.end, script.text.find_last_not_of("\r\n", token.end - 1) + 1));
        allows.push_back(std::move(*allow));
      }
      at = end + 1;
    }
  }
  return allows;
}

bool known_rule(const std::string& name) {
  return std::any_of(lint_rules().begin(), lint_rules().end(), [&](const LintRule& rule) { return rule.name == name; });
}

void use(Allow& allow, std::size_t number, LintSink& sink) {
  if (allow.reason.empty()) return;
  for (LintSink::Found& found : sink.found()) {
    if (found.script != number || found.finding.allowed) continue;
    const bool here = allow.whole_file || (found.statement && found.statement == allow.statement);
    const bool named = std::find(allow.rules.begin(), allow.rules.end(), found.finding.rule) != allow.rules.end();
    if (!here || !named) continue;
    found.finding.allowed = allow.reason;
    allow.used.push_back(found.finding.rule);
  }
}

void judge(const Allow& allow, LintSink& sink) {
  const LintSink::Place place{allow.statement.value_or(0), allow.line};
  if (allow.rules.empty() || allow.reason.empty()) {
    return sink.add("invalid-allow", LintSeverity::warning, place,
                    "belay:allow without a rule or a reason allows nothing",
                    "Write `-- belay:allow RULE: why it is right here`.");
  }
  for (const std::string& rule : allow.rules) {
    if (!known_rule(rule)) {
      sink.add("invalid-allow", LintSeverity::warning, place,
               fmt::format("belay:allow of \"{}\", which is no rule", rule),
               "The rules are in docs/lint.md; each finding ends with its rule's name.");
    } else if (std::find(allow.used.begin(), allow.used.end(), rule) == allow.used.end()) {
      sink.add("unused-allow", LintSeverity::note, place,
               fmt::format("there is nothing of {} here to be allowed", rule),
               "Remove the comment, or put it right above the statement that it is meant for.");
    }
  }
}

}  // namespace

void apply_allows(const LintScript& script, std::size_t number, LintSink& sink) {
  std::vector<Allow> allows = read_allows(script.script);
  for (Allow& allow : allows) use(allow, number, sink);
  for (const Allow& allow : allows) judge(allow, sink);
}

void lint_identifiers(const LintScript& script, LintSink& sink) {
  constexpr std::size_t longest = 63;
  std::size_t run = 0, widest = 0;  // most scripts need not be scanned
  for (const char c : script.script.text) {
    const bool between = c == ' ' || c == '\n' || c == ',' || c == '(' || c == ')' || c == '.' || c == ';';
    run = between ? 0 : run + 1;
    widest = std::max(widest, run);
  }
  if (widest <= longest) return;
  for (const ScannedToken& token : scan_sql(script.script.text)) {
    if (token.kind != ScannedToken::Kind::identifier) continue;
    std::string_view name = std::string_view{script.script.text}.substr(token.begin, token.end - token.begin);
    if (name.starts_with('"') && name.size() > 1) name = name.substr(1, name.size() - 2);
    if (name.size() <= longest) continue;
    std::size_t index = 0;
    for (std::size_t i = 0; i < script.script.statements.size(); ++i) {
      if (script.script.statements[i].offset <= token.begin) index = i;
    }
    const auto to = script.script.text.begin() + static_cast<std::ptrdiff_t>(token.begin);
    sink.add("identifier-too-long", LintSeverity::warning,
             {index, static_cast<int>(std::count(script.script.text.begin(), to, '\n')) + 1},
             fmt::format("the server cuts the name {} to 63 bytes", name), "Choose a shorter name.");
  }
}

}  // namespace belay
