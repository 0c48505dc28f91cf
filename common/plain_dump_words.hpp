// Function bodies that are statements themselves (BEGIN ATOMIC … END), as psql sees them: by counting words.
//
// psql does not parse. In a statement that begins with CREATE [OR REPLACE] FUNCTION or PROCEDURE it counts the words
// BEGIN, CASE and END outside parentheses, and while the count is above zero a semicolon ends nothing. The server
// parses; where the two differ, psql sends as one statement what the server runs as several, and a COPY among them
// would make psql read the lines that follow as rows. Whatever could be read in two ways is therefore refused.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace belay {

/// The words of one statement after the other, in lower case. Each function returns why the text cannot be accepted,
/// empty if it can.
class PsqlWords {
 public:
  [[nodiscard]] std::string_view word(std::string_view word, int paren_depth);
  /// Anything that is neither a word nor white space or a comment.
  [[nodiscard]] std::string_view other();
  /// A semicolon that does not end the statement.
  void inner_semicolon() { after_semicolon_ = true; }
  void statement_end() { *this = {}; }
  /// How many BEGIN and CASE are open.
  [[nodiscard]] int depth() const { return depth_; }
  /// The statement defines a function or procedure.
  [[nodiscard]] bool routine() const { return routine_; }

 private:
  [[nodiscard]] std::string_view begin_statement(std::string_view word) const;
  void count(std::string_view word);

  std::array<char, 4> first_{};  ///< first letters of the first words, 0 for words that are of no interest
  std::size_t words_ = 0;
  bool routine_ = false;
  bool expect_atomic_ = false;
  bool after_semicolon_ = false;
  int depth_ = 0;
};

}  // namespace belay
