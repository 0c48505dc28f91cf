#include "common/toml_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/error.hpp"

namespace belay {

namespace {

bool is_bare_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

class TomlParser {
 public:
  TomlParser(TomlFile& file, const std::string& text) : file_(file), text_(text) {
    if (text_.compare(0, 3, "\xEF\xBB\xBF") == 0) at_ = 3;
  }

  void parse() {
    for (skip_to_content(); !done(); skip_to_content()) {
      if (peek() == '[') {
        read_section();
      } else {
        read_entry();
      }
      expect_line_end();
    }
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }

  char take() {
    const char c = text_[at_++];
    if (c == '\n') ++line_;
    return c;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    throw Error{Failure::usage, fmt::format("could not read {}", file_.place(line_)), reason,
                "A line is [section], key = \"text\", key = true, key = 12 or key = [\"text\", \"text\"]."};
  }

  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t' || (peek() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n'))
      ++at_;
  }

  /// Over blanks, comments and line ends.
  void skip_to_content() {
    for (;;) {
      skip_blanks();
      if (peek() == '#') {
        while (!done() && peek() != '\n') ++at_;
      }
      if (done() || peek() != '\n') return;
      take();
    }
  }

  void expect_line_end() {
    skip_blanks();
    if (done() || peek() == '\n' || peek() == '#') return;
    fail("Something follows the value, or the value needs quotes.");
  }

  void read_section() {
    take();
    if (peek() == '[') fail("Arrays of tables ([[…]]) are not known here.");
    skip_blanks();
    const std::string name = read_key();
    skip_blanks();
    if (peek() != ']') fail("The section's name is not closed with ].");
    take();
    const bool again = std::any_of(file_.sections.begin(), file_.sections.end(),
                                   [&](const TomlSection& section) { return section.name == name; });
    if (again) fail(fmt::format("Section [{}] is there twice.", name));
    file_.sections.push_back({name, line_});
  }

  void read_entry() {
    TomlEntry entry;
    entry.line = line_;
    entry.key = read_key();
    skip_blanks();
    if (peek() == '.') fail("Keys with dots are not known here; use a [section].");
    if (peek() != '=') fail("A key is not followed by =.");
    take();
    skip_blanks();
    if (file_.sections.empty())
      fail(fmt::format("Key \"{}\" stands in no section; [all] holds for every tool.", entry.key));
    entry.section = file_.sections.back().name;
    entry.value = read_value();
    refuse_empty(entry);
    const bool again = std::any_of(file_.entries.begin(), file_.entries.end(), [&](const TomlEntry& other) {
      return other.section == entry.section && other.key == entry.key;
    });
    if (again) fail(fmt::format("Key \"{}\" is there twice.", entry.key));
    file_.entries.push_back(std::move(entry));
  }

  void refuse_empty(const TomlEntry& entry) const {
    const TomlValue& value = entry.value;
    const bool array = value.kind == TomlValue::Kind::array;
    const bool empty =
        array ? value.items.empty() || std::count(value.items.begin(), value.items.end(), "") > 0 : value.text.empty();
    if (empty) fail(fmt::format("The value of \"{}\" is empty.", entry.key));
  }

  std::string read_key() {
    if (peek() == '"' || peek() == '\'') {
      std::string key = read_text();
      if (key.empty()) fail("A key is empty.");
      return key;
    }
    std::string key;
    while (!done() && is_bare_key(peek())) key += take();
    if (key.empty()) fail("A line begins with neither a key nor a [section].");
    return key;
  }

  TomlValue read_value() {
    if (peek() == '"' || peek() == '\'') return {TomlValue::Kind::text, read_text(), {}};
    if (peek() == '[') return read_array();
    std::string word;
    while (!done() && std::string_view(" \t\r\n#,]").find(peek()) == std::string_view::npos) word += take();
    if (word.empty()) fail("The value is missing.");
    if (word == "true" || word == "false") return {TomlValue::Kind::boolean, word, {}};
    if (is_whole_number(word)) return {TomlValue::Kind::number, word, {}};
    fail("The value is neither true, false nor a whole number; text needs quotes.");
  }

  TomlValue read_array() {
    TomlValue array{TomlValue::Kind::array, {}, {}};
    take();
    for (skip_to_content(); peek() != ']'; skip_to_content()) {
      if (peek() != '"' && peek() != '\'')
        fail("An array holds something other than texts in quotes, or is not closed.");
      array.items.push_back(read_text());
      skip_to_content();
      if (peek() == ',') {
        take();
      } else if (peek() != ']') {
        fail("A comma or ] is missing in an array.");
      }
    }
    take();
    return array;
  }

  std::string read_text() {
    const char quote = take();
    if (text_.compare(at_, 2, std::string(2, quote)) == 0)
      fail("Texts over several lines (three quotes) are not known here.");
    std::string out;
    while (peek() != quote) {
      if (done() || peek() == '\n') fail("A text is not closed on its line.");
      const char c = take();
      out += quote == '"' && c == '\\' ? read_escape() : std::string(1, c);
    }
    take();
    return out;
  }

  std::string read_escape() {
    static constexpr std::string_view codes = "\"\\ntr";
    static constexpr std::string_view means = "\"\\\n\t\r";
    const std::size_t which = done() ? std::string_view::npos : codes.find(take());
    if (which == std::string_view::npos)
      fail("A backslash is followed by something other than \" \\ n t r; in '…' it stands for itself.");
    return std::string(1, means[which]);
  }

  TomlFile& file_;
  const std::string& text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::string TomlFile::place(int line) const { return fmt::format("file {} line {}", name, line); }

TomlFile parse_toml(const std::string& name, const std::string& text) {
  TomlFile file;
  file.name = name;
  TomlParser{file, text}.parse();
  return file;
}

}  // namespace belay
