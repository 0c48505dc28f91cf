// belay.toml, strictly: `[section]`, `key = value` and comments. A value is "text", 'text', true, false, a whole
// number, or an array of texts. Everything is kept with its line, so that a complaint can name it; CLI11's own reader
// has no lines and passes over what it does not understand.
#pragma once
#include <string>
#include <vector>

namespace belay {

struct TomlValue {
  enum class Kind { text, number, boolean, array };
  Kind kind = Kind::text;
  std::string text;                ///< text, or the number or boolean as written
  std::vector<std::string> items;  ///< of an array
};

struct TomlEntry {
  std::string section, key;
  TomlValue value;
  int line = 0;
};

struct TomlSection {
  std::string name;
  int line = 0;
};

struct TomlFile {
  std::string name;  ///< for messages
  std::vector<TomlSection> sections;
  std::vector<TomlEntry> entries;
  /// "file NAME line N"
  [[nodiscard]] std::string place(int line) const;
};

/// Throws usage, with name and line, for anything else, for a key or section given twice, and for an empty value.
/// Values never stand in a message.
[[nodiscard]] TomlFile parse_toml(const std::string& name, const std::string& text);

}  // namespace belay
