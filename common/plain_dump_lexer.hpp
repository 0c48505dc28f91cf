// SQL text cut where psql cuts it: at the ends of statements, at comments, and where a backslash begins a command of
// psql's own. psql finds such a backslash anywhere outside quotes and comments, not only at a line's beginning.
//
// The rules are those of psql's src/fe_utils/psqlscan.l. Versions 12 to 18 differ in small ways, psql reads line by
// line where the server reads whole statements, and psql puts its variables into the text. What they could read in
// different ways (it is never in pg_dump's output) is refused rather than decided.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/plain_dump_words.hpp"

namespace belay {

struct SqlChunk {
  enum class Kind {
    nothing,   ///< the piece is used up
    blank,     ///< white space between statements
    comment,   ///< a comment or a part of one, between statements or inside one
    code,      ///< a part of a statement
    end,       ///< the last part of a statement, with its semicolon
    backslash  ///< a backslash outside quotes comes next; it was not taken
  };
  Kind kind = Kind::nothing;
  std::string_view text;  ///< in the piece, or a constant: valid as long as the piece
};

enum class StandardStrings { on, off };  ///< standard_conforming_strings: is \ in '…' an ordinary character?

class PsqlLexer {
 public:
  /// Takes one chunk from the front of `rest`, the next piece of the text; pieces may end anywhere. Throws refused.
  [[nodiscard]] SqlChunk next(std::string_view& rest);
  /// From here on. psql knows only from the next line on, so this is called between lines.
  void set_standard_strings(StandardStrings setting) { standard_strings_ = setting; }
  [[nodiscard]] StandardStrings standard_strings() const { return standard_strings_; }
  /// A statement has begun and not ended.
  [[nodiscard]] bool inside_statement() const { return inside_statement_; }
  [[nodiscard]] bool inside_comment() const { return mode_ == Mode::line_comment || inside_block_comment(); }
  /// What the text would be cut off in if it ended here: "a comment"; empty if nothing.
  [[nodiscard]] std::string_view unfinished() const;
  [[nodiscard]] std::uint64_t line() const { return line_; }  ///< of the next byte, 1-based
  /// Lines that were read by somebody else.
  void skip_lines(std::uint64_t count) { line_ += count; }
  /// Bytes kept of what was read.
  [[nodiscard]] std::size_t kept_bytes() const { return tag_.size(); }

 private:
  using Kind = SqlChunk::Kind;
  enum class Mode {
    plain,
    word,
    after_u_ampersand,  ///< U&, which a quote may follow
    number,
    after_dollar,
    dollar_tag,   ///< in $tag, which is a quote if another $ ends it
    dollar_body,  ///< in $tag$…
    dollar_end,   ///< after a $ in there
    after_colon,
    variable,         ///< in :name, which psql takes for a variable
    quoted_variable,  ///< in :'name' or :"name"
    string,           ///< in '…' where \ is an ordinary character
    string_quote,     ///< after a quote in there, which another one may double
    escape_string,    ///< in '…' where \ is not
    escape_quote,
    after_escape,
    bit_string,  ///< in B'…' or X'…', which know no doubled quote
    identifier,  ///< in "…"
    line_comment,
    block_begin,  ///< before the * of a /* that lies in two pieces
    block_comment,
    block_star,  ///< after a * in there
    block_slash
  };
  /// Of a number, what it has so far. Versions part where letters follow it.
  enum class Number { digits, exponent_letter, exponent_plus, exponent_minus, exponent, junk };
  /// A string with a prefix, then a newline, then a quote: one string to the server, two to psql.
  enum class Continuation { no, string_ended, newline_after };

  [[nodiscard]] bool inside_block_comment() const { return mode_ >= Mode::block_begin; }
  [[nodiscard]] SqlChunk take_withheld(std::string_view rest);
  [[nodiscard]] Kind scan();
  [[nodiscard]] Kind scan_blank();
  [[nodiscard]] Kind scan_comment();
  void scan_line_comment();
  void scan_block_comment();
  [[nodiscard]] Kind scan_code();
  void scan_mode();
  [[nodiscard]] std::optional<Kind> scan_plain();
  [[nodiscard]] std::optional<Kind> scan_possible_comment();
  [[nodiscard]] std::optional<Kind> scan_semicolon();
  void begin_comment(Mode mode);
  void scan_plain_token();
  void begin_token(Mode mode);
  void begin_string(Mode mode, Continuation continuation_at_end);
  void scan_word();
  void end_word();
  void scan_after_u_ampersand();
  void scan_number();
  [[nodiscard]] bool take_number_byte(char c);
  void end_number(char next);
  void scan_after_dollar();
  void scan_dollar_tag();
  void scan_dollar_end();
  void scan_after_colon();
  void scan_variable();
  void scan_quoted_variable();
  void check_variable() const;
  void scan_until(char end, Mode then);
  void scan_string_quote();
  void scan_escape_string();
  void scan_bit_string();
  [[noreturn]] void refuse(std::string_view why) const;
  void refuse_if(std::string_view why) const {
    if (!why.empty()) refuse(why);
  }

  const char *begin_ = nullptr, *at_ = nullptr, *end_ = nullptr;  ///< the present piece
  char withheld_ = 0;  ///< a - or / at a piece's end: whether it begins a comment is not known yet
  std::uint64_t line_ = 1;
  StandardStrings standard_strings_ = StandardStrings::on;
  Mode mode_ = Mode::plain;
  bool inside_statement_ = false;
  PsqlWords words_;
  int parens_ = 0;
  int comment_depth_ = 0;
  Number number_ = Number::digits;
  char quote_ = 0;  ///< of a quoted variable
  Continuation continuation_ = Continuation::no;
  Continuation at_string_end_ = Continuation::no;  ///< what continuation_ becomes at the open string's end
  std::array<char, 40> word_{};                    ///< the beginning of a word or a variable's name
  std::size_t word_size_ = 0;
  std::string tag_;  ///< of a dollar quote
  std::size_t matched_ = 0;
};

}  // namespace belay
