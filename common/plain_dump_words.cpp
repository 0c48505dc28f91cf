#include "common/plain_dump_words.hpp"

#include <algorithm>
#include <utility>

namespace belay {

namespace {

template <std::size_t size>
bool is_one_of(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 5> routine_words{"create", "or", "replace", "function", "procedure"};
constexpr std::array<std::string_view, 10> body_words{"select", "insert", "update", "delete", "merge",
                                                      "with",   "values", "return", "table",  "end"};

constexpr std::string_view begin_not_atomic =
    "The word begin in a function's definition would be taken by psql for the beginning of a body.";

}  // namespace

std::string_view PsqlWords::word(std::string_view word, int paren_depth) {
  if (std::exchange(expect_atomic_, false) && word != "atomic") return begin_not_atomic;
  if (std::exchange(after_semicolon_, false)) {
    const std::string_view trouble = begin_statement(word);
    if (!trouble.empty()) return trouble;
  }
  if (paren_depth > 0) return {};
  if (words_ < first_.size()) {
    first_[words_++] = is_one_of(word, routine_words) ? word[0] : '\0';
    const std::string_view first(first_.data(), words_);
    routine_ = routine_ || first == "cf" || first == "cp" || first == "corf" || first == "corp";
  }
  if (routine_) count(word);
  return {};
}

std::string_view PsqlWords::begin_statement(std::string_view word) const {
  if (word == "copy") return "A COPY statement is hidden inside another statement.";
  if (depth_ > 0 && !is_one_of(word, body_words)) return "A function's body holds a statement that cannot be in one.";
  return {};
}

void PsqlWords::count(std::string_view word) {
  if (word == "begin") {
    ++depth_;
    expect_atomic_ = true;
  } else if (word == "case" && depth_ > 0) {
    ++depth_;
  } else if (word == "end" && depth_ > 0) {
    --depth_;
  }
}

std::string_view PsqlWords::other() {
  after_semicolon_ = false;
  return std::exchange(expect_atomic_, false) ? begin_not_atomic : std::string_view();
}

}  // namespace belay
