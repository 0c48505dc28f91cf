// The command line through CLI11, with a look at the raw arguments before it: CLI11 takes "--force" for the value of an
// option that lacks one, skips an empty "--x=", and knows nothing of passwords or of the habits in option_words.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "common/error.hpp"
#include "common/option_state.hpp"
#include "common/option_words.hpp"
#include "common/output.hpp"

namespace belay {

namespace {

using Shape = OptionSpec::Shape;
using Arguments = std::vector<std::string>;

std::string help_hint(const Declared& declared) { return fmt::format("See {} --help.", declared.tool); }

/// Nobody can type a word of the tool's or of Prisma's own into these; they end the run with an answer.
[[noreturn]] void refuse(const Declared& declared, const std::string& message, const std::string& detail = {},
                         const std::string& hint = {}) {
  throw Error{Failure::usage, printable(message), printable(detail),
              hint.empty() ? help_hint(declared) : printable(hint)};
}

void refuse_passwords(const Declared& declared, const Arguments& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!holds_password(arguments[i])) continue;
    refuse(declared, fmt::format("argument {} holds a password, or may hold one", i + 1),
           "Arguments can be read by every user of this machine, and stay in the shell's history.",
           "Put the URL into DATABASE_URL (or the option's BELAY_… variable), or into .env, and change the password if "
           "others "
           "may have seen it.");
  }
}

bool looks_like_option(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9');
}

/// The checks that CLI11 leaves out, argument by argument, up to "--".
class RawCheck {
 public:
  RawCheck(const Declared& declared, const Arguments& arguments)
      : declared_(declared), arguments_(arguments), names_(declared.names()) {}

  void run() {
    for (at_ = 0; at_ < arguments_.size() && arguments_[at_] != "--"; ++at_) {
      if (looks_like_option(arguments_[at_])) check(arguments_[at_]);
    }
  }

 private:
  void check(const std::string& argument) {
    refuse_other_spelling(argument);
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const bool last = at_ + 1 >= arguments_.size();
    refuse_prisma_schema(name, equals != std::string::npos ? argument.substr(equals + 1)
                               : last                      ? ""
                                                           : arguments_[at_ + 1]);
    const OptionSpec* spec = declared_.find(name);
    if (spec == nullptr) return;
    if (equals != std::string::npos && equals + 1 == argument.size())
      refuse(declared_, fmt::format("{} has an empty value", name));
    if (equals != std::string::npos || spec->shape == Shape::flag || spec->shape == Shape::optional_one) return;
    expect_value(*spec);
  }

  void expect_value(const OptionSpec& spec) {
    const bool missing = at_ + 1 >= arguments_.size();
    const std::string next = missing ? "" : arguments_[at_ + 1];
    if (!missing && looks_like_option(next)) {
      refuse(declared_, fmt::format("{} needs a value ({}), and an option follows", spec.name, spec.placeholder), "",
             fmt::format("A value that begins with - is written {}=VALUE.", spec.name));
    }
    if (missing) refuse(declared_, fmt::format("{} needs a value ({})", spec.name, spec.placeholder));
    if (next.empty()) refuse(declared_, fmt::format("{} has an empty value", spec.name));
    ++at_;
  }

  void refuse_other_spelling(const std::string& argument) const {
    if (argument == "-h") return;
    const std::optional<std::string> meaning = powershell_meaning(argument, names_);
    if (!meaning) return;
    const std::string typed = argument.substr(0, argument.find_first_of(":="));
    const OptionSpec* spec = declared_.find(*meaning);
    const bool takes_value = spec != nullptr && spec->shape != Shape::flag;
    refuse(declared_, fmt::format("{} is written {} here", typed, *meaning), "",
           fmt::format("Type {} {}{}.", declared_.tool, *meaning, takes_value ? " " + spec->placeholder : ""));
  }

  void refuse_prisma_schema(const std::string& name, const std::string& value) const {
    if (name != "--schema" || !value.ends_with(".prisma")) return;
    refuse(declared_, "--schema names a schema of the database, not schema.prisma", "", "Use --prisma-schema FILE.");
  }

  const Declared& declared_;
  const Arguments& arguments_;
  Arguments names_;
  std::size_t at_ = 0;
};

/// CLI11 with the declared options, all values kept as they are. It gives no help and reads neither files nor the
/// environment.
class Parser {
 public:
  explicit Parser(const Declared& declared) : declared_(declared) {
    app_.set_help_flag();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    for (const OptionSpec& spec : declared.options) add(spec);
    add_words(app_);
    for (const auto& [name, summary] : declared.commands) {
      CLI::App* verb = app_.add_subcommand(name, summary);
      verb->fallthrough();
      add_words(*verb);
    }
  }

  CommandLine parse(Arguments arguments) {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& error) {
      refuse(declared_, "could not read the command line", error.what());
    }
    refuse_extras();
    CommandLine line;
    for (const auto& [spec, option] : options_) {
      if (option->count() > 0) line.options[spec->name] = given(*spec, *option);
    }
    const std::vector<CLI::App*> verbs = app_.get_subcommands();
    if (!verbs.empty()) line.verb = verbs.front()->get_name();
    const Arguments before_verb = read_words(app_);
    line.words = verbs.empty() ? before_verb : read_words(*verbs.front());
    check_words(line);
    // Words for which the verb has no place end up here too, but check_words has answered those.
    if (!verbs.empty() && !before_verb.empty()) refuse_word(before_verb, line.verb);
    return line;
  }

 private:
  void add(const OptionSpec& spec) {
    const bool flag = spec.shape == Shape::flag;
    CLI::Option* option = flag ? app_.add_flag(spec.name) : app_.add_option(spec.name);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (!flag) option->expected(spec.shape == Shape::optional_one ? 0 : 1, 1)->allow_extra_args(false);
    options_.emplace_back(&spec, option);
  }

  /// Each level has places of its own for bare words, so that one before the verb is told from one after it; one more
  /// than can be used, for the message.
  void add_words(CLI::App& level) const {
    if (declared_.takes_any_number_of_words()) {
      level.add_option("words")->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(true);
      return;
    }
    for (std::size_t i = 0; i < declared_.positionals.size() + 2; ++i) {
      level.add_option(fmt::format("word{}", i))->expected(1)->allow_extra_args(false);
    }
  }

  [[nodiscard]] Arguments read_words(const CLI::App& level) const {
    if (declared_.takes_any_number_of_words()) return level.get_option("words")->results();
    Arguments words;
    for (std::size_t i = 0; i < declared_.positionals.size() + 2; ++i) {
      const CLI::Option* option = level.get_option(fmt::format("word{}", i));
      if (option->count() > 0) words.push_back(option->results().front());
    }
    return words;
  }

  [[nodiscard]] Given given(const OptionSpec& spec, const CLI::Option& option) const {
    Given out;
    const Arguments& results = option.results();
    if (spec.shape == Shape::flag) {
      out.off = results.back() == "false";
      const bool plain =
          std::all_of(results.begin(), results.end(), [](const auto& r) { return r == "true" || r == "false"; });
      if (!plain) refuse(declared_, fmt::format("{} takes no value", spec.name));
      return out;
    }
    if (spec.shape != Shape::many && results.size() > 1) refuse(declared_, fmt::format("{} is given twice", spec.name));
    for (const std::string& result : results) {
      if (!result.empty()) out.values.push_back(result);
    }
    return out;
  }

  /// What CLI11 had no place for.
  void refuse_extras() const {
    const Arguments extras = app_.remaining(true);
    for (const std::string& extra : extras) {
      if (!looks_like_option(extra) || extra == "--") continue;
      const std::string name = extra.substr(0, extra.find('='));
      const std::optional<std::string> close = nearest(name, declared_.names());
      refuse(declared_, fmt::format("option {} is not known", name), "",
             close ? fmt::format("Did you mean {}? All options: {} --help.", *close, declared_.tool) : "");
    }
    for (const std::string& extra : extras) {
      if (extra != "--") refuse(declared_, fmt::format("\"{}\" is one word too many", extra));
    }
  }

  void check_words(const CommandLine& line) const {
    const std::size_t room = static_cast<std::size_t>(std::count_if(
        declared_.positionals.begin(), declared_.positionals.end(),
        [&](const PositionalSpec& positional) { return positional.taken_by(line.verb, !declared_.commands.empty()); }));
    if (line.words.size() <= room) return;
    if (room > 0 && declared_.takes_any_number_of_words()) return;
    if (line.verb.empty()) refuse_word(line.words, "");
    refuse(declared_,
           fmt::format("\"{}\" is one word too many for {} {}", line.words[room], declared_.tool, line.verb));
  }

  /// A bare word where a verb should be, or before one.
  [[noreturn]] void refuse_word(Arguments words, const std::string& verb) const {
    if (!verb.empty()) words.push_back(verb);
    if (const std::optional<std::string> answer = instead_of_prisma(words)) {
      refuse(declared_, fmt::format("\"{}\" is a command of Prisma, not of {}", words.front(), declared_.tool), "",
             *answer);
    }
    Arguments verbs;
    for (const auto& [name, summary] : declared_.commands) verbs.push_back(name);
    const std::optional<std::string> close = nearest(words.front(), verbs);
    refuse(declared_, fmt::format("\"{}\" is no command of {}", words.front(), declared_.tool), "",
           close ? fmt::format("Did you mean {} {}? All commands: {} --help.", declared_.tool, *close, declared_.tool)
                 : "");
  }

  const Declared& declared_;
  CLI::App app_;
  std::vector<std::pair<const OptionSpec*, CLI::Option*>> options_;
};

}  // namespace

CommandLine read_command_line(const Declared& declared, const std::vector<std::string>& arguments) {
  refuse_passwords(declared, arguments);
  RawCheck{declared, arguments}.run();
  return Parser{declared}.parse(arguments);
}

}  // namespace belay
