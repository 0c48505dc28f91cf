#include "common/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "common/error.hpp"
#include "common/option_state.hpp"

namespace belay {

namespace {

using Problem = std::optional<std::string>;
using Shape = OptionSpec::Shape;

OptionSpec one_value(const std::string& name, const std::string& placeholder, const std::string& help, Where where) {
  OptionSpec spec;
  spec.name = name;
  spec.placeholder = placeholder;
  spec.help = help;
  spec.where = where;
  return spec;
}

void declare(Declared& declared, OptionSpec spec) {
  if (declared.find(spec.name) != nullptr || !spec.name.starts_with("--")) {
    throw Error{Failure::bug, fmt::format("option \"{}\" is declared twice or misnamed", spec.name)};
  }
  spec.group = declared.group;
  declared.options.push_back(std::move(spec));
}

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : separator) + word;
  return out;
}

}  // namespace

std::string OptionSpec::variable() const {
  std::string out = "BELAY_";
  for (const char c : key()) out += c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

bool PositionalSpec::taken_by(const std::string& verb, bool tool_has_verbs) const {
  if (verbs.empty()) return !verb.empty() || !tool_has_verbs;
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

std::vector<std::string> Declared::names() const {
  std::vector<std::string> out{"--help", "--version"};
  for (const OptionSpec& spec : options) out.push_back(spec.name);
  return out;
}

const OptionSpec* Declared::find(const std::string& name) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const OptionSpec& spec) { return spec.name == name; });
  return found == options.end() ? nullptr : &*found;
}

bool Declared::takes_any_number_of_words() const { return !positionals.empty() && positionals.back().rest != nullptr; }

bool Declared::has_command(const std::string& name) const {
  return std::any_of(commands.begin(), commands.end(), [&](const auto& command) { return command.first == name; });
}

OptionSet::OptionSet(std::string tool, std::string summary) : state_(std::make_unique<State>()) {
  state_->tool = std::move(tool);
  state_->summary = std::move(summary);
}

OptionSet::~OptionSet() = default;

void OptionSet::flag(const std::string& name, bool& target, const std::string& help, Where where) {
  OptionSpec spec = one_value(name, "", help, where);
  spec.shape = Shape::flag;
  spec.toml_kind = TomlValue::Kind::boolean;
  spec.apply = [&target](const Given& given) -> Problem {
    target = !given.off;
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::text(const std::string& name, std::optional<std::string>& target, const std::string& placeholder,
                     const std::string& help, Where where) {
  OptionSpec spec = one_value(name, placeholder, help, where);
  spec.apply = [&target](const Given& given) -> Problem {
    target = given.values.front();
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::path(const std::string& name, std::optional<std::filesystem::path>& target,
                     const std::string& placeholder, const std::string& help, Where where) {
  OptionSpec spec = one_value(name, placeholder, help, where);
  spec.apply = [&target](const Given& given) -> Problem {
    if (given.values.front().find('\0') != std::string::npos) return "holds a NUL byte";
    target = given.values.front();
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::number(const std::string& name, std::optional<int>& target, int min, int max, const std::string& help,
                       Where where) {
  OptionSpec spec = one_value(name, "N", help, where);
  spec.toml_kind = TomlValue::Kind::number;
  spec.apply = [&target, min, max](const Given& given) -> Problem {
    const std::string& text = given.values.front();
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max) {
      return fmt::format("is not a whole number from {} to {}", min, max);
    }
    target = value;
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::choice(const std::string& name, std::optional<std::string>& target,
                       const std::vector<std::string>& choices, const std::string& help, Where where) {
  OptionSpec spec = one_value(name, joined(choices, "|"), help, where);
  spec.apply = [&target, choices](const Given& given) -> Problem {
    const std::string& text = given.values.front();
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      return "is not one of " + joined(choices, ", ");
    target = text;
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::duration(const std::string& name, std::optional<std::string>& target, const std::string& help,
                         Where where) {
  OptionSpec spec = one_value(name, "DURATION", help, where);
  spec.apply = [&target](const Given& given) -> Problem {
    if (!parse_duration(given.values.front()))
      return "is not a length of time such as 500ms, 5s or 2min (a bare number is milliseconds)";
    target = given.values.front();
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::optional_text(const std::string& name, std::optional<std::string>& target,
                              const std::string& bare_value, const std::string& placeholder, const std::string& help,
                              Where where) {
  OptionSpec spec = one_value(name, placeholder, help, where);
  spec.shape = Shape::optional_one;
  spec.apply = [&target, bare_value](const Given& given) -> Problem {
    if (given.off) {
      target.reset();
    } else {
      target = given.values.empty() ? bare_value : given.values.front();
    }
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::optional_choice(const std::string& name, std::optional<std::string>& target,
                                const std::string& bare_value, const std::vector<std::string>& choices,
                                const std::string& help, Where where) {
  OptionSpec spec = one_value(name, joined(choices, "|"), help, where);
  spec.shape = Shape::optional_one;
  spec.apply = [&target, bare_value, choices](const Given& given) -> Problem {
    const std::string& text = given.values.empty() ? bare_value : given.values.front();
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      return "is not one of " + joined(choices, ", ");
    if (given.off) {
      target.reset();
    } else {
      target = text;
    }
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::size(const std::string& name, std::optional<std::uint64_t>& target, const std::string& help,
                     Where where) {
  OptionSpec spec = one_value(name, "SIZE", help, where);
  spec.apply = [&target](const Given& given) -> Problem {
    const std::optional<std::uint64_t> value = parse_size(given.values.front());
    if (!value) return "is not a size such as 500MB or 20GB";
    target = *value;
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::list(const std::string& name, std::vector<std::string>& target, const std::string& placeholder,
                     const std::string& help, Where where) {
  OptionSpec spec = one_value(name, placeholder, help, where);
  spec.shape = Shape::many;
  spec.toml_kind = TomlValue::Kind::array;
  spec.apply = [&target](const Given& given) -> Problem {
    target = given.values;
    return std::nullopt;
  };
  declare(*state_, std::move(spec));
}

void OptionSet::positional(const std::string& name, std::optional<std::string>& target, const std::string& help,
                           const std::vector<std::string>& verbs) {
  state_->positionals.push_back({name, help, &target, verbs});
}

void OptionSet::positionals(const std::string& name, std::vector<std::string>& target, const std::string& help,
                            const std::vector<std::string>& verbs) {
  state_->positionals.push_back({name, help, nullptr, verbs, &target});
}

void OptionSet::command(const std::string& name, const std::string& summary) {
  state_->commands.emplace_back(name, summary);
}

void OptionSet::example(const std::string& line, const std::string& comment) {
  state_->examples.emplace_back(line, comment);
}

void OptionSet::group(const std::string& title) { state_->group = title; }

void OptionSet::section(const std::string& name, std::vector<std::pair<std::string, std::string>>& target) {
  state_->sections[name] = &target;
}

void OptionSet::remember_source(const std::string& name, std::string& target) {
  for (OptionSpec& spec : state_->options) {
    if (spec.name == name) spec.source = &target;
  }
}

void OptionSet::only_for(const std::string& name, const std::vector<std::string>& verbs) {
  for (OptionSpec& spec : state_->options) {
    if (spec.name == name) spec.verbs = verbs;
  }
}

std::string OptionSet::help() const { return help_text(*state_); }

std::optional<std::string> OptionSet::parse(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  return parse(arguments, [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  });
}

}  // namespace belay
