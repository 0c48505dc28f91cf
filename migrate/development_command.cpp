#include "migrate/development_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace belay {

namespace {

using Words = std::vector<std::string>;

constexpr int deepest_call = 8;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool ends_command(char c) { return std::string_view{"\n;&|()"}.find(c) != std::string_view::npos; }

/// Cuts a shell's text into simple commands and these into words, without their quotes. What stands in $(…) and in
/// backticks is cut too, as further commands.
class ShellText {
 public:
  explicit ShellText(std::string_view text) : text_(text) {}
  std::vector<Words> commands() {
    while (at_ < text_.size()) step();
    end_command();
    return std::move(commands_);
  }

 private:
  void step();
  void quoted(char quote);
  void substitution();
  void comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }
  void end_word() {
    if (in_word_) words_.push_back(word_);
    word_.clear();
    in_word_ = false;
  }
  void end_command() {
    end_word();
    if (!words_.empty()) commands_.push_back(std::move(words_));
    words_.clear();
  }
  void add(char c) {
    word_ += c;
    in_word_ = true;
  }
  void add_all(std::string_view inner) {
    for (Words& words : ShellText{inner}.commands()) commands_.push_back(std::move(words));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  Words words_;
  std::vector<Words> commands_;
};

void ShellText::step() {
  const char c = text_[at_];
  if (c == '#' && !in_word_) return comment();
  if (c == '\'' || c == '"') return quoted(c);
  if (c == '`' || (c == '$' && at_ + 1 < text_.size() && text_[at_ + 1] == '(')) return substitution();
  ++at_;
  if (c == '\\' && at_ < text_.size()) {
    if (text_[at_] != '\n') add(text_[at_]);
    ++at_;
  } else if (is_blank(c)) {
    end_word();
  } else if (ends_command(c)) {
    end_command();
  } else {
    add(c);
  }
}

void ShellText::quoted(char quote) {
  in_word_ = true;
  ++at_;
  while (at_ < text_.size() && text_[at_] != quote) {
    const bool double_quoted = quote == '"';
    if (double_quoted && text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    const bool opens = text_[at_] == '`' || text_.substr(at_, 2) == "$(";
    if (double_quoted && opens) {
      substitution();
      continue;
    }
    add(text_[at_++]);
  }
  if (at_ < text_.size()) ++at_;
}

void ShellText::substitution() {
  const bool backtick = text_[at_] == '`';
  const std::size_t begin = at_ + (backtick ? 1 : 2);
  std::size_t end = begin;
  for (int open = 1; end < text_.size(); ++end) {
    if (backtick ? text_[end] == '`' : text_[end] == ')') --open;
    if (!backtick && text_[end] == '(') ++open;
    if (open == 0) break;
  }
  add_all(text_.substr(begin, end - begin));
  in_word_ = true;
  at_ = std::min(end + 1, text_.size());
}

std::string base_name(const std::string& word) { return word.substr(word.rfind('/') + 1); }

bool is_prisma(const std::string& word) {
  const std::string name = base_name(word);
  return name == "prisma" || name.starts_with("prisma@") || word.ends_with("prisma/build/index.js");
}

/// The next `count` words from `from` on that are no options.
Words plain_words(const Words& words, std::size_t from, std::size_t count) {
  Words found;
  for (std::size_t i = from; i < words.size() && found.size() < count; ++i) {
    const bool takes_a_value = words[i] == "--schema" || words[i] == "--config";
    if (takes_a_value) ++i;
    if (!takes_a_value && !words[i].starts_with('-')) found.push_back(words[i]);
  }
  return found;
}

std::optional<std::string> why_not(const std::string& verb, const std::string& what) {
  struct Command {
    const char *verb, *what, *why;
  };
  static constexpr std::array commands{
      Command{"migrate", "dev", "makes migrations, and may empty the database to apply them"},
      Command{"migrate", "reset", "drops everything in the database"},
      Command{"db", "push", "changes the schema without a migration, and may lose rows"}};
  for (const Command& command : commands) {
    if (verb == command.verb && what == command.what)
      return fmt::format("`prisma {} {}` is a command for development: it {}", verb, what, command.why);
  }
  return std::nullopt;
}

std::string in_quotes(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + "'";
}

class Search {
 public:
  Search(std::filesystem::path folder, const FileText& read) : folder_(std::move(folder)), read_(read) {}

  std::optional<std::string> look_at(const std::string& text, int depth) {
    if (depth > deepest_call) return std::nullopt;
    for (const Words& words : ShellText{text}.commands()) {
      if (std::optional<std::string> why = look_at_command(words, depth)) return why;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> look_at_command(const Words& words, int depth);
  std::optional<std::string> look_at_word(const Words& words, std::size_t at, int depth);
  std::optional<std::string> look_at_script(const Words& words, std::size_t at, int depth);
  std::optional<std::string> look_at_file(const std::string& name, int depth);
  [[nodiscard]] nlohmann::json scripts() const;

  std::filesystem::path folder_;
  const FileText& read_;
};

std::optional<std::string> Search::look_at_command(const Words& words, int depth) {
  const std::string first = base_name(words.front());
  if (first == "echo" || first == "printf") return std::nullopt;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (std::optional<std::string> why = look_at_word(words, at, depth)) return why;
  }
  return std::nullopt;
}

std::optional<std::string> Search::look_at_word(const Words& words, std::size_t at, int depth) {
  const std::string& word = words[at];
  if (is_prisma(word)) {
    const Words command = plain_words(words, at + 1, 2);
    if (command.size() == 2) {
      if (std::optional<std::string> why = why_not(command[0], command[1])) return why;
    }
  }
  if (word.find_first_of(" \t\n;&|") != std::string::npos) return look_at(word, depth + 1);
  if (std::optional<std::string> why = look_at_script(words, at, depth)) return why;
  return look_at_file(word, depth);
}

/// Where the script's name stands, if a runner of scripts does at `at`. npm has a word for it, the others take a
/// script's name by itself too.
std::optional<std::size_t> script_name_at(const Words& words, std::size_t at) {
  static constexpr std::array<std::string_view, 4> runners{"npm", "pnpm", "yarn", "bun"};
  static constexpr std::array<std::string_view, 4> own_words{"start", "test", "stop", "restart"};
  const std::string runner = base_name(words[at]);
  if (std::find(runners.begin(), runners.end(), runner) == runners.end()) return std::nullopt;
  const auto next_word = [&words](std::size_t from) {
    while (from < words.size() && words[from].starts_with('-')) ++from;
    return from;
  };
  std::size_t name = next_word(at + 1);
  const bool says_run = name < words.size() && (words[name] == "run" || words[name] == "run-script");
  if (says_run) name = next_word(name + 1);
  if (name >= words.size()) return std::nullopt;
  const bool own_word = std::find(own_words.begin(), own_words.end(), words[name]) != own_words.end();
  return runner == "npm" && !says_run && !own_word ? std::nullopt : std::optional{name};
}

/// What stands behind the script's name is given to it.
std::optional<std::string> Search::look_at_script(const Words& words, std::size_t at, int depth) {
  const std::optional<std::size_t> name_at = script_name_at(words, at);
  if (!name_at) return std::nullopt;
  const std::string& name = words[*name_at];
  std::string arguments;
  for (std::size_t i = *name_at + 1; i < words.size(); ++i) {
    if (words[i] != "--") arguments += " " + in_quotes(words[i]);
  }
  const nlohmann::json all = scripts();
  for (const std::string& script : {"pre" + name, name, "post" + name}) {
    if (!all.contains(script) || !all[script].is_string()) continue;
    const std::string text = all[script].get<std::string>() + (script == name ? arguments : "");
    if (const std::optional<std::string> why = look_at(text, depth + 1))
      return fmt::format("script \"{}\" of package.json: {}", script, *why);
  }
  return std::nullopt;
}

/// ./deploy.sh, or sh deploy.sh.
std::optional<std::string> Search::look_at_file(const std::string& name, int depth) {
  const bool like_a_script = name.ends_with(".sh") || name.find('/') != std::string::npos;
  if (!like_a_script || name.find("://") != std::string::npos) return std::nullopt;
  const std::optional<std::string> text = read_(folder_ / name);
  if (!text) return std::nullopt;
  const std::string first = text->substr(0, text->find('\n'));
  const bool of_a_shell = first.starts_with("#!") && first.find("sh") != std::string::npos;
  if (!of_a_shell && !(name.ends_with(".sh") && !first.starts_with("#!"))) return std::nullopt;
  const std::optional<std::string> why = look_at(*text, depth + 1);
  return why ? std::optional{fmt::format("file {}: {}", name, *why)} : std::nullopt;
}

/// Of the nearest package.json; an empty object if there is none that can be read.
nlohmann::json Search::scripts() const {
  for (std::filesystem::path folder = folder_;; folder = folder.parent_path()) {
    if (const std::optional<std::string> text = read_(folder / "package.json")) {
      const nlohmann::json package = nlohmann::json::parse(*text, nullptr, false);
      const bool has = package.is_object() && package.contains("scripts") && package["scripts"].is_object();
      return has ? package["scripts"] : nlohmann::json::object();
    }
    if (folder == folder.root_path() || folder.empty()) return nlohmann::json::object();
  }
}

}  // namespace

std::optional<std::string> development_command(const std::string& command, const std::filesystem::path& folder,
                                               const FileText& read) {
  return Search{folder, read}.look_at(command, 0);
}

}  // namespace belay
