// The three sources in order: belay.toml, then the environment, then the command line are applied, each over what the
// one before it said. So a mistake in a farther source is found even where a nearer one hides it.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "common/error.hpp"
#include "common/option_state.hpp"
#include "common/option_words.hpp"
#include "common/output.hpp"

#ifndef BELAY_VERSION
#define BELAY_VERSION "development"
#endif

namespace belay {

namespace {

using Shape = OptionSpec::Shape;

constexpr std::array tools{"backup-db", "restore-database", "rollback-migration", "migrate-production"};

[[noreturn]] void refuse(const std::string& message, const std::string& detail = {}, const std::string& hint = {}) {
  throw Error{Failure::usage, printable(message), printable(detail), printable(hint)};
}

std::string shown(const std::string& value) {
  return holds_password(value) || value.size() > 100 ? "the value" : '"' + value + '"';
}

/// `source`: "--jobs", "environment BELAY_JOBS" or "file belay.toml line 3".
void apply(const OptionSpec& spec, const Given& given, const std::string& source) {
  for (const std::string& value : given.values) {
    if (value.empty()) refuse(fmt::format("the value of {} from {} is empty", spec.key(), source));
  }
  if (const std::optional<std::string> problem = spec.apply(given)) {
    refuse(fmt::format("could not use {} from {}", spec.key(), source),
           fmt::format("{} {}.", shown(given.values.front()), *problem));
  }
  if (spec.source != nullptr) *spec.source = source;
}

// ---- belay.toml

class ConfigReader {
 public:
  ConfigReader(const Declared& declared, const TomlFile& file) : declared_(declared), file_(file) {}

  void apply_all() const {
    check_sections();
    for (const std::string& section : {std::string("all"), declared_.tool}) {
      for (const TomlEntry& entry : file_.entries) {
        if (entry.section == section) apply_entry(entry);
      }
    }
    for (const auto& [name, target] : declared_.sections) {
      for (const TomlEntry& entry : file_.entries) {
        if (entry.section == name) target->emplace_back(entry.key, text_of(entry));
      }
    }
  }

 private:
  [[noreturn]] void fail(int line, const std::string& reason, const std::string& hint = {}) const {
    refuse(fmt::format("could not use {}", file_.place(line)), reason, hint);
  }

  void check_sections() const {
    std::vector<std::string> known{"all", "checklist"};
    known.insert(known.end(), tools.begin(), tools.end());
    for (const auto& [name, target] : declared_.sections) known.push_back(name);
    for (const TomlSection& section : file_.sections) {
      if (std::find(known.begin(), known.end(), section.name) != known.end()) continue;
      const std::optional<std::string> close = nearest(section.name, known);
      fail(section.line, fmt::format("Section [{}] is not known.", section.name),
           close ? fmt::format("Did you mean [{}]?", *close) : "Sections are [all] and one for each tool.");
    }
  }

  void apply_entry(const TomlEntry& entry) const {
    const OptionSpec* spec = declared_.find("--" + entry.key);
    if (spec == nullptr) fail_unknown(entry);
    if (entry.key == "config") fail(entry.line, "config cannot stand in the file that it names.");
    if (spec->where == Where::command_line_only) {
      fail(entry.line, fmt::format("{} is taken from the command line only.", entry.key),
           fmt::format("Remove the line, and type {} where it is meant.", spec->name));
    }
    apply(*spec, given(*spec, entry), file_.place(entry.line));
  }

  [[noreturn]] void fail_unknown(const TomlEntry& entry) const {
    std::vector<std::string> keys;
    for (const OptionSpec& spec : declared_.options) keys.push_back(spec.key());
    const std::optional<std::string> close = nearest(entry.key, keys);
    const std::string hint = close ? fmt::format("Did you mean {}?", *close)
                             : entry.section == "all"
                                 ? "[all] is for what every tool has; other keys stand in the section of their tool."
                                 : "";
    fail(entry.line, fmt::format("{} has no option \"{}\".", declared_.tool, entry.key), hint);
  }

  [[nodiscard]] Given given(const OptionSpec& spec, const TomlEntry& entry) const {
    const TomlValue& value = entry.value;
    const bool boolean = value.kind == TomlValue::Kind::boolean;
    if (boolean && (spec.shape == Shape::flag || spec.shape == Shape::optional_one)) return {value.text == "false", {}};
    const bool single = spec.shape == Shape::many && value.kind == TomlValue::Kind::text;
    if (!single && value.kind != spec.toml_kind) {
      fail(entry.line,
           fmt::format("The value of \"{}\" is of the wrong type: expected {}.", entry.key, expected(spec)));
    }
    return {false, value.kind == TomlValue::Kind::array ? value.items : std::vector<std::string>{value.text}};
  }

  static std::string expected(const OptionSpec& spec) {
    if (spec.shape == Shape::flag) return "true or false, without quotes";
    if (spec.shape == Shape::many) return "[\"text\", \"text\"]";
    return spec.toml_kind == TomlValue::Kind::number ? "a whole number without quotes" : "text in quotes";
  }

  [[nodiscard]] std::string text_of(const TomlEntry& entry) const {
    if (entry.value.kind != TomlValue::Kind::text)
      fail(entry.line, fmt::format("The value of \"{}\" is not text in quotes.", entry.key));
    return entry.value.text;
  }

  const Declared& declared_;
  const TomlFile& file_;
};

// ---- the environment

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t comma = text.find(',', begin);
    parts.push_back(text.substr(begin, comma == std::string::npos ? comma : comma - begin));
    if (comma == std::string::npos) return parts;
    begin = comma + 1;
  }
}

bool one_of(const std::string& word, std::initializer_list<const char*> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Given given_by_variable(const OptionSpec& spec, const std::string& value) {
  if (spec.shape == Shape::many) return {false, split_at_commas(value)};
  if (spec.shape == Shape::optional_one && one_of(value, {"true", "false"})) return {value == "false", {}};
  if (spec.shape != Shape::flag) return {false, {value}};
  if (one_of(value, {"1", "true", "yes", "on"})) return {};
  if (one_of(value, {"0", "false", "no", "off"})) return {true, {}};
  refuse(fmt::format("could not use {} from environment {}", spec.key(), spec.variable()),
         shown(value) + " is neither true nor false.");
}

void apply_environment(const Declared& declared, const EnvironmentLookup& environment) {
  for (const OptionSpec& spec : declared.options) {
    const std::optional<std::string> value = environment(spec.variable());
    if (!value) continue;
    if (spec.where == Where::command_line_only) {
      refuse(fmt::format("{} is set, but {} is taken from the command line only", spec.variable(), spec.name), "",
             fmt::format("Unset {}, and type {} where it is meant.", spec.variable(), spec.name));
    }
    if (value->empty()) {
      refuse(fmt::format("environment variable {} is empty", spec.variable()), "", "Set it to a value, or unset it.");
    }
    apply(spec, given_by_variable(spec, *value), "environment " + spec.variable());
  }
}

// ---- --help, --version, --config

std::optional<std::string> config_path(const Declared& declared, const CommandLine& line,
                                       const EnvironmentLookup& environment) {
  const OptionSpec* spec = declared.find("--config");
  if (spec == nullptr) return std::nullopt;
  const auto typed = line.options.find("--config");
  if (typed != line.options.end()) return typed->second.values.front();
  std::optional<std::string> variable = environment(spec->variable());
  if (variable && variable->empty()) refuse(fmt::format("environment variable {} is empty", spec->variable()));
  return variable;
}

bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<const char*> words) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, [&](const std::string& argument) { return one_of(argument, words); });
}

/// `migrate-production`, or `migrate-production deploy`.
std::string call_of(const Declared& declared, const std::string& verb) {
  return verb.empty() ? declared.tool : declared.tool + " " + verb;
}

void refuse_others_options(const Declared& declared, const CommandLine& line) {
  for (const OptionSpec& spec : declared.options) {
    if (spec.verbs.empty() || !line.options.contains(spec.name)) continue;
    if (std::find(spec.verbs.begin(), spec.verbs.end(), line.verb) != spec.verbs.end()) continue;
    std::string calls;
    for (const std::string& verb : spec.verbs) calls += (calls.empty() ? "`" : ", `") + call_of(declared, verb) + "`";
    refuse(fmt::format("{} belongs to {}", spec.name, call_of(declared, spec.verbs.front())), "",
           fmt::format("`{}` does nothing with it: leave it out, or type {}.", call_of(declared, line.verb), calls));
  }
}

void fill_positionals(const Declared& declared, const CommandLine& line) {
  std::size_t next = 0;
  for (const PositionalSpec& positional : declared.positionals) {
    if (next >= line.words.size()) return;
    if (!positional.taken_by(line.verb, !declared.commands.empty())) continue;
    const auto empty = std::find(line.words.begin() + static_cast<std::ptrdiff_t>(next), line.words.end(), "");
    if (empty != line.words.end()) refuse(fmt::format("{} is empty", positional.name));
    if (positional.rest != nullptr) {
      positional.rest->assign(line.words.begin() + static_cast<std::ptrdiff_t>(next), line.words.end());
      return;
    }
    *positional.target = line.words[next++];
  }
}

}  // namespace

TomlFile read_config_file(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  if (name.starts_with("prisma.config.")) {
    refuse(fmt::format("--config takes belay's own file (belay.toml), not {}", name), "",
           "What belay needs from Prisma's configuration is given with --migrations DIR and --database-url URL (or "
           "DATABASE_URL).");
  }
  struct stat status {};
  std::ifstream stream(path, std::ios::binary);
  if (!stream || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    refuse(fmt::format("could not read configuration file \"{}\"", path),
           "It is missing, not readable, or not a file.");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  TomlFile file = parse_toml(path, text);
  const auto secret = std::find_if(file.entries.begin(), file.entries.end(), [](const TomlEntry& entry) {
    return holds_password(entry.value.text) ||
           std::any_of(entry.value.items.begin(), entry.value.items.end(), holds_password);
  });
  if (secret != file.entries.end() && (status.st_mode & S_IROTH) != 0) {
    refuse(fmt::format("could not use {}", file.place(secret->line)),
           "It holds a password, and every user of this machine can read the file.",
           fmt::format("Run: chmod 600 {}", path));
  }
  return file;
}

std::optional<std::string> OptionSet::parse(const std::vector<std::string>& arguments,
                                            const EnvironmentLookup& environment) {
  const bool help_word = !arguments.empty() && arguments.front() == "help" && !state_->has_command("help");
  if (help_word || asks_for(arguments, {"--help", "-h"})) {
    const std::string text = help();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::nullopt;
  }
  if (asks_for(arguments, {"--version"})) {
    const std::string text = fmt::format("{} (belay) {}\n", state_->tool, BELAY_VERSION);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::nullopt;
  }
  const CommandLine line = read_command_line(*state_, arguments);
  refuse_others_options(*state_, line);
  if (const std::optional<std::string> path = config_path(*state_, line, environment)) {
    ConfigReader{*state_, read_config_file(*path)}.apply_all();
  }
  apply_environment(*state_, environment);
  for (const OptionSpec& spec : state_->options) {
    const auto typed = line.options.find(spec.name);
    if (typed != line.options.end()) apply(spec, typed->second, spec.name);
  }
  fill_positionals(*state_, line);
  return line.verb;
}

}  // namespace belay
