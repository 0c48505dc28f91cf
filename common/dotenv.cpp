// dotenv's grammar is one regular expression with corners that people's files rely on without knowing: a quote counts
// only if nothing but a comment follows the closing one; an unquoted value ends at the first #; what is no assignment
// is passed over. The functions below follow it corner by corner, because a URL read differently from Prisma's may be
// another database.
#include "common/dotenv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "common/error.hpp"

namespace belay {

namespace {

using Variables = std::map<std::string, std::string>;
using Lookup = std::function<std::optional<std::string>(const std::string&)>;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f'; }
bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }
bool is_quote(char c) { return c == '\'' || c == '"' || c == '`'; }

std::string without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

/// Without the byte order mark, and with \n as the only line end.
std::string normalized(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  Variables read() {
    Variables variables;
    while (at_ < text_.size()) {
      const std::size_t line = at_;
      skip_blanks();
      if (const std::optional<std::string> key = read_key()) {
        variables[*key] = read_value();
        continue;
      }
      at_ = std::min(text_.find('\n', line), text_.size() - 1) + 1;
    }
    return variables;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  /// The key with its `=` or `: `; none if this is no assignment.
  std::optional<std::string> read_key() {
    if (text_.compare(at_, 6, "export") == 0 && at_ + 6 < text_.size() && is_blank(text_[at_ + 6])) {
      at_ += 6;
      skip_blanks();
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '.' || text_[at_] == '-')) ++at_;
    std::string key = text_.substr(begin, at_ - begin);
    if (key.empty()) return std::nullopt;
    if (at_ + 1 < text_.size() && text_[at_] == ':' && is_blank(text_[at_ + 1])) {
      ++at_;
      return key;
    }
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != '=') return std::nullopt;
    ++at_;
    return key;
  }

  std::string read_value() {
    const std::size_t begin = at_;
    skip_blanks();  // a quoted value may begin on a later line, an unquoted one may not
    if (at_ < text_.size() && is_quote(text_[at_])) {
      if (const std::optional<std::size_t> close = closing_quote(at_)) {
        std::string value = text_.substr(at_ + 1, *close - at_ - 1);
        const char quote = text_[at_];
        at_ = end_of_line(*close);
        return unescaped(std::move(value), quote);
      }
    }
    at_ = begin;
    return read_unquoted();
  }

  std::string read_unquoted() {
    const std::size_t line_end = end_of_line(at_);
    const std::size_t end = std::min(text_.find('#', at_), line_end);
    std::string value = without_blanks(std::string_view(text_).substr(at_, end - at_));
    at_ = line_end;
    const char first = value.empty() ? '\0' : value.front();
    if (value.size() >= 2 && is_quote(first) && value.back() == first) value = value.substr(1, value.size() - 2);
    return unescaped(std::move(value), first);
  }

  /// The first quote without a backslash before it, or, where something other than a comment follows it, the last one
  /// with a backslash that fits.
  [[nodiscard]] std::optional<std::size_t> closing_quote(std::size_t open) const {
    std::vector<std::size_t> candidates;
    for (std::size_t i = open + 1; i < text_.size(); ++i) {
      if (text_[i] != text_[open]) continue;
      candidates.push_back(i);
      if (text_[i - 1] != '\\') break;
    }
    const auto fits =
        std::find_if(candidates.rbegin(), candidates.rend(), [&](std::size_t at) { return ends_line(at + 1); });
    if (fits == candidates.rend()) return std::nullopt;
    return *fits;
  }

  /// True if only blanks and a comment stand between `at` and the end of the line.
  [[nodiscard]] bool ends_line(std::size_t at) const {
    while (at < text_.size() && text_[at] != '\n' && is_blank(text_[at])) ++at;
    return at == text_.size() || text_[at] == '\n' || text_[at] == '#';
  }

  [[nodiscard]] std::size_t end_of_line(std::size_t at) const { return std::min(text_.find('\n', at), text_.size()); }

  static std::string unescaped(std::string value, char quote) {
    if (quote != '"') return value;
    replace_all(value, "\\n", "\n");
    replace_all(value, "\\r", "\r");
    return value;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

class Expansion {
 public:
  Expansion(const Variables& variables, const Lookup& environment) : variables_(variables), environment_(environment) {}

  /// Replaces every ${NAME}; \${ stands for itself. `open` are the names being expanded, outermost first.
  // NOLINTNEXTLINE(misc-no-recursion): a value may refer to others; `open` ends a circle.
  [[nodiscard]] std::string expand(const std::string& value, const std::vector<std::string>& open) const {
    std::string out;
    for (std::size_t i = 0; i < value.size();) {
      const std::size_t end = reference_end(value, i);
      if (end == std::string::npos) {
        out += value[i++];
      } else if (!out.empty() && i > 0 && value[i - 1] == '\\') {
        out.back() = '$';
        out += value.substr(i + 1, end - i);
        i = end + 1;
      } else {
        out += referred(value.substr(i + 2, end - i - 2), open);
        i = end + 1;
      }
    }
    return out;
  }

 private:
  /// Where a reference ${NAME} that begins at `at` ends; npos if there is none.
  static std::size_t reference_end(const std::string& value, std::size_t at) {
    if (value.compare(at, 2, "${") != 0) return std::string::npos;
    std::size_t end = at + 2;
    while (end < value.size() && is_word(value[end])) ++end;
    return end > at + 2 && end < value.size() && value[end] == '}' ? end : std::string::npos;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  [[nodiscard]] std::string referred(const std::string& name, std::vector<std::string> open) const {
    if (std::find(open.begin(), open.end(), name) != open.end()) {
      throw Error{Failure::usage, fmt::format("could not expand variable \"{}\" of the .env file", open.front()),
                  fmt::format("\"{}\" refers to itself.", name)};
    }
    std::optional<std::string> value = environment_(name);
    if (!value) {
      const auto found = variables_.find(name);
      if (found == variables_.end()) {
        throw Error{Failure::usage, fmt::format("could not expand variable \"{}\" of the .env file", open.front()),
                    fmt::format("It refers to \"{}\", which is neither in the file nor in the environment.", name),
                    "Set the variable, or write \\${ where the characters themselves are meant."};
      }
      value = found->second;
    }
    open.push_back(name);
    return expand(*value, open);
  }

  const Variables& variables_;
  const Lookup& environment_;
};

}  // namespace

std::map<std::string, std::string> parse_dotenv(const std::string& text, const Lookup& environment) {
  const std::string lines = normalized(text);
  const Variables raw = Reader{lines}.read();
  const Expansion expansion{raw, environment};
  Variables values;
  for (const auto& [name, value] : raw) values[name] = expansion.expand(value, {name});
  return values;
}

std::optional<std::string> dotenv_value(const std::string& text, const std::string& name, const Lookup& environment) {
  const std::string lines = normalized(text);
  const Variables raw = Reader{lines}.read();
  const auto found = raw.find(name);
  if (found == raw.end()) return std::nullopt;
  return Expansion{raw, environment}.expand(found->second, {name});
}

}  // namespace belay
