// What --help prints: for a terminal of 100 columns.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "common/option_state.hpp"

namespace belay {

namespace {

constexpr std::size_t width = 100;
constexpr std::size_t option_column = 34;

constexpr const char* exit_statuses = R"(Exit statuses
    0   done and verified
    1   a bug in belay itself
    2   wrong options or configuration; nothing was touched
    3   refused: a safety check, a held lock, a question that could not be asked; nothing was touched
    4   cancelled before anything was changed
    5   could not connect; nothing was touched
    6   failed, and the database is as it was before
    7   failed, and an operator is needed: the message says what to type
    8   storage: disk full, or an archive that is unreadable or damaged
    9   the question was answered, and the answer is no
  130   interrupted; nothing changed, or put back
)";

constexpr const char* environment_text =
    "Every option is also read from the environment as BELAY_… (--lock-timeout: BELAY_LOCK_TIMEOUT) and from the file "
    "that "
    "--config names, in [all] or in the tool's own section (lock-timeout = \"5s\"); the command line wins, then the "
    "environment. Not so the options marked with *: they must be typed. Also read: DATABASE_URL and DIRECT_URL (or one "
    ".env "
    "file), NODE_ENV, BELAY_ENV, NO_COLOR, CI, and libpq's own variables (PG…).";

/// `text` in lines no longer than the page, each after the first indented by `indent`; `used` columns of the first are
/// taken.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t used) {
  std::string out;
  std::size_t column = used;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    // Bytes that continue a character take no column.
    const auto length = static_cast<std::size_t>(std::count_if(
        word.begin(), word.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
    const bool first = column == used && out.empty();
    if (!first && column + 1 + length > width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += length;
  }
  return out + '\n';
}

std::string two_columns(const std::string& left, const std::string& right, std::size_t at) {
  const std::string start = "  " + left;
  if (right.empty()) return start + '\n';
  if (start.size() + 2 > at) return start + '\n' + std::string(at, ' ') + wrapped(right, at, at);
  return start + std::string(at - start.size(), ' ') + wrapped(right, at, at);
}

std::string option_form(const OptionSpec& spec) {
  if (spec.shape == OptionSpec::Shape::flag) return spec.name;
  if (spec.shape == OptionSpec::Shape::optional_one) return spec.name + "[=" + spec.placeholder + ']';
  return spec.name + ' ' + spec.placeholder;
}

std::string option_lines(const OptionSpec& spec) {
  std::string help = spec.help;
  if (spec.shape == OptionSpec::Shape::many) help += " (may be given several times)";
  if (spec.where == Where::command_line_only) help += " *";
  return two_columns(option_form(spec), help, option_column);
}

std::string usage(const Declared& declared) {
  const bool verbs = !declared.commands.empty();
  std::string words;
  for (const PositionalSpec& positional : declared.positionals)
    words += " [" + positional.name + (positional.rest != nullptr ? "…]" : "]");
  return fmt::format("Usage: {}{}{} [OPTIONS]\n", declared.tool, verbs ? " [COMMAND]" : "", words);
}

std::string examples(const Declared& declared) {
  std::string out = declared.examples.empty() ? "" : "\nExamples\n";
  for (const auto& [line, comment] : declared.examples) {
    out += "  " + line + '\n';
    if (!comment.empty()) out += "      " + wrapped(comment, 6, 6);
  }
  return out;
}

std::string commands(const Declared& declared) {
  std::string out = declared.commands.empty() ? "" : "\nCommands\n";
  std::size_t column = 0;
  for (const auto& [name, summary] : declared.commands) column = std::max(column, name.size() + 4);
  for (const auto& [name, summary] : declared.commands) out += two_columns(name, summary, column);
  return out;
}

std::string words(const Declared& declared) {
  std::string out = declared.positionals.empty() ? "" : "\nWords\n";
  for (const PositionalSpec& positional : declared.positionals) {
    out += two_columns(positional.name, positional.help, option_column);
  }
  return out;
}

std::string options(const Declared& declared) {
  std::vector<std::string> groups;
  for (const OptionSpec& spec : declared.options) {
    if (std::find(groups.begin(), groups.end(), spec.group) == groups.end()) groups.push_back(spec.group);
  }
  std::string out;
  for (const std::string& group : groups) {
    out += '\n' + group + '\n';
    for (const OptionSpec& spec : declared.options) {
      if (spec.group == group) out += option_lines(spec);
    }
  }
  return out;
}

}  // namespace

std::string help_text(const Declared& declared) {
  std::string out = wrapped(declared.tool + ": " + declared.summary, 0, 0) + '\n' + usage(declared);
  out += examples(declared) + commands(declared) + words(declared) + options(declared);
  out += "\nHelp\n" + two_columns("--help, -h", "this text", option_column) +
         two_columns("--version", "name and version", option_column);
  out += "\nEnvironment and configuration\n  " + wrapped(environment_text, 2, 2);
  return out + '\n' + exit_statuses;
}

}  // namespace belay
