// Words, numbers, quotes and psql's variables.
#include <algorithm>
#include <cstring>

#include "common/plain_dump_lexer.hpp"
#include "common/plain_dump_refusal.hpp"
#include "common/sql_tokens.hpp"

namespace belay {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// psql's variable_char; a dollar quote's tag has the same.
constexpr bool is_variable_char(char c) { return is_sql_word(c) && c != '$'; }

}  // namespace

// ---- words ----

void PsqlLexer::scan_word() {
  const char* const end = sql_word_end(at_, end_);
  for (const char* c = at_; c != end && word_size_ < word_.size(); ++c) word_[word_size_++] = sql_lower(*c);
  at_ = end;
  if (at_ != end_) end_word();
}

/// *at_ is the byte after the word. A single letter may be a string's prefix.
void PsqlLexer::end_word() {
  mode_ = Mode::plain;
  const char letter = word_size_ == 1 ? word_[0] : '\0';
  const bool quote = *at_ == '\'';
  if (letter == 'e' && quote) {
    begin_string(Mode::escape_string, Continuation::string_ended);
    ++at_;
  } else if ((letter == 'b' || letter == 'x') && quote) {
    begin_string(Mode::bit_string, Continuation::string_ended);
    ++at_;
  } else if (letter == 'u' && *at_ == '&') {
    begin_token(Mode::after_u_ampersand);
    ++at_;
  } else if (letter == 'n' && quote) {
    begin_token(Mode::plain);  // the string that follows is an ordinary one
  } else {
    refuse_if(words_.word({word_.data(), word_size_}, parens_));
  }
}

void PsqlLexer::scan_after_u_ampersand() {
  mode_ = Mode::plain;
  if (*at_ == '\'')
    begin_string(Mode::string, Continuation::string_ended);
  else if (*at_ == '"')
    mode_ = Mode::identifier;
  else
    return;
  ++at_;
}

// ---- numbers ----

void PsqlLexer::scan_number() {
  while (at_ != end_ && take_number_byte(*at_)) ++at_;
  if (at_ != end_) end_number(*at_);
}

bool PsqlLexer::take_number_byte(char c) {
  const bool letter = is_sql_word_start(c);
  if (is_digit(c)) {
    if (number_ == Number::exponent_letter || number_ == Number::exponent_plus || number_ == Number::exponent_minus)
      number_ = Number::exponent;
  } else if (c == '.' && (number_ == Number::digits || number_ == Number::exponent)) {
    number_ = Number::digits;
  } else if (letter && number_ == Number::digits && sql_lower(c) == 'e') {
    number_ = Number::exponent_letter;
  } else if ((c == '+' || c == '-') && number_ == Number::exponent_letter) {
    number_ = c == '+' ? Number::exponent_plus : Number::exponent_minus;
  } else if (letter && number_ != Number::exponent_plus && number_ != Number::exponent_minus) {
    number_ = Number::junk;
  } else {
    return false;
  }
  return true;
}

/// Where a number runs into letters, psql 14, 15.0 and 15.9 each end it at another place: that matters where a quote
/// follows (1e'…' is E'…' to 14, 1e5$$ one word to 15.9), or in a body, whose words are counted.
void PsqlLexer::end_number(char next) {
  const Number number = number_;
  mode_ = Mode::plain;
  const bool letters = number == Number::junk || number == Number::exponent_letter;
  const bool quote = letters && (next == '\'' || next == '"' || next == '&');
  const bool dollar = (letters || number == Number::exponent) && next == '$';
  const bool comment = number == Number::exponent_minus && next == '-';  // 14 only
  if (quote || dollar || comment || (letters && words_.routine()))
    refuse("A number that runs into letters is read in different ways by different versions of psql.");
}

// ---- dollar quotes ----

void PsqlLexer::scan_after_dollar() {
  tag_.clear();
  if (*at_ == '$') {
    mode_ = Mode::dollar_body;
    ++at_;
  } else if (is_digit(*at_)) {
    begin_token(Mode::number);  // a parameter
  } else {
    mode_ = is_sql_word_start(*at_) ? Mode::dollar_tag : Mode::plain;
  }
}

void PsqlLexer::scan_dollar_tag() {
  constexpr std::size_t longest = 1024;
  const char* const end = std::find_if_not(at_, end_, is_variable_char);
  if (tag_.size() + static_cast<std::size_t>(end - at_) > longest) refuse("The tag of a dollar quote is too long.");
  tag_.append(at_, end);
  at_ = end;
  if (at_ == end_) return;
  if (*at_ == '$') {
    mode_ = Mode::dollar_body;
    ++at_;
    return;
  }
  // No quote: a $, and a word after it.
  begin_token(Mode::word);
  for (std::size_t i = 0; i < tag_.size() && word_size_ < word_.size(); ++i) word_[word_size_++] = sql_lower(tag_[i]);
  end_word();
}

/// After a $ in the body. A $ that does not end the body may begin the tag anew.
void PsqlLexer::scan_dollar_end() {
  for (; at_ != end_; ++at_) {
    if (*at_ == '$') {
      if (matched_ == tag_.size()) {
        mode_ = Mode::plain;
        ++at_;
        return;
      }
      matched_ = 0;
    } else if (matched_ < tag_.size() && *at_ == tag_[matched_]) {
      ++matched_;
    } else {
      mode_ = Mode::dollar_body;
      return;
    }
  }
}

// ---- psql's variables ----

void PsqlLexer::scan_after_colon() {
  mode_ = Mode::plain;
  const char c = *at_;
  if (c == '{') refuse("It holds a variable of psql's.");
  if (is_variable_char(c)) {
    mode_ = Mode::variable;
    return;
  }
  if (c == '\'' || c == '"') {
    begin_string(Mode::quoted_variable, Continuation::no);
    quote_ = c;
  } else if (c != ':' && c != '=') {
    return;
  }
  ++at_;
}

/// A name that nobody has set stays as it stands: this is how array[1:n] gets through. psql's own names are in upper
/// case.
void PsqlLexer::check_variable() const {
  const auto is_own = [](char c) { return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_'; };
  const auto* const end = word_.begin() + word_size_;
  if (word_size_ > 0 && !is_digit(word_[0]) && std::all_of(word_.begin(), end, is_own))
    refuse("It holds a variable of psql's.");
}

void PsqlLexer::scan_variable() {
  const char* const end = std::find_if_not(at_, end_, is_variable_char);
  for (const char* c = at_; c != end && word_size_ < word_.size(); ++c) word_[word_size_++] = *c;
  at_ = end;
  if (at_ == end_) return;
  check_variable();
  if (*at_ == '$' || *at_ == '\'' || *at_ == '"' || *at_ == '&')
    refuse("What psql takes for the name of a variable runs into a quote.");
  mode_ = Mode::plain;
}

void PsqlLexer::scan_quoted_variable() {
  const char* const end = std::find_if_not(at_, end_, is_variable_char);
  for (const char* c = at_; c != end && word_size_ < word_.size(); ++c) word_[word_size_++] = *c;
  at_ = end;
  if (at_ == end_) return;
  if (*at_ == quote_) check_variable();
  // Else it is an ordinary quoted text, and goes on as one.
  mode_ = quote_ == '"'                              ? Mode::identifier
          : standard_strings_ == StandardStrings::on ? Mode::string
                                                     : Mode::escape_string;
}

// ---- quoted texts ----

void PsqlLexer::scan_until(char end, Mode then) {
  const void* found = std::memchr(at_, end, static_cast<std::size_t>(end_ - at_));
  at_ = found == nullptr ? end_ : static_cast<const char*>(found) + 1;
  if (found != nullptr) mode_ = then;
}

void PsqlLexer::scan_string_quote() {
  if (*at_ == '\'') {
    mode_ = mode_ == Mode::string_quote ? Mode::string : Mode::escape_string;
    ++at_;
    return;
  }
  mode_ = Mode::plain;
  continuation_ = at_string_end_;
}

void PsqlLexer::scan_escape_string() {
  at_ = std::find_if(at_, end_, [](char c) { return c == '\'' || c == '\\'; });
  if (at_ == end_) return;
  mode_ = *at_ == '\'' ? Mode::escape_quote : Mode::after_escape;
  ++at_;
}

void PsqlLexer::scan_bit_string() {
  scan_until('\'', Mode::plain);
  if (mode_ == Mode::plain) continuation_ = at_string_end_;
}

}  // namespace belay
