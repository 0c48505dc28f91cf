// The inside of an OptionSet, for the files that implement it: options.cpp declares, option_sources.cpp reads,
// option_help.cpp prints.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/options.hpp"
#include "common/toml_file.hpp"

namespace belay {

/// What one source says about one option.
struct Given {
  bool off = false;                 ///< a flag's or optional text's false
  std::vector<std::string> values;  ///< empty for a flag, and for an optional text given alone
};

struct OptionSpec {
  enum class Shape { flag, one, optional_one, many };
  std::string name;  ///< "--output-path"
  Shape shape = Shape::one;
  std::string placeholder, help, group;
  Where where = Where::anywhere;
  TomlValue::Kind toml_kind = TomlValue::Kind::text;
  /// Stores the value. Answers with what is wrong ("is not …"), and stores nothing then.
  std::function<std::optional<std::string>(const Given&)> apply;
  std::string* source = nullptr;
  std::vector<std::string> verbs;  ///< that it means something to; empty = all

  [[nodiscard]] std::string key() const { return name.substr(2); }
  [[nodiscard]] std::string variable() const;  ///< BELAY_OUTPUT_PATH
};

struct PositionalSpec {
  std::string name, help;
  std::optional<std::string>* target = nullptr;
  std::vector<std::string> verbs;
  std::vector<std::string>* rest = nullptr;  ///< instead of target: takes all further words
  [[nodiscard]] bool taken_by(const std::string& verb, bool tool_has_verbs) const;
};

/// All that was declared.
struct Declared {
  std::string tool, summary;
  std::vector<OptionSpec> options;
  std::vector<PositionalSpec> positionals;
  std::vector<std::pair<std::string, std::string>> commands, examples;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>*> sections;
  std::string group = "Options";

  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] const OptionSpec* find(const std::string& name) const;
  [[nodiscard]] bool takes_any_number_of_words() const;
  [[nodiscard]] bool has_command(const std::string& name) const;
};
struct OptionSet::State : Declared {};

/// The command line, taken apart.
struct CommandLine {
  std::map<std::string, Given> options;  ///< by name
  std::string verb;                      ///< empty = none
  std::vector<std::string> words;        ///< for the positionals
};
/// Throws usage: unknown, incomplete, repeated, or a password in an argument.
[[nodiscard]] CommandLine read_command_line(const Declared& declared, const std::vector<std::string>& arguments);

/// The file that --config or BELAY_CONFIG names. Throws usage, also if others may read a password in it.
[[nodiscard]] TomlFile read_config_file(const std::string& path);

/// What --help prints.
[[nodiscard]] std::string help_text(const Declared& declared);

}  // namespace belay
