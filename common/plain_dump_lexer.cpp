#include "common/plain_dump_lexer.hpp"

#include <cstring>

#include "common/newlines.hpp"
#include "common/plain_dump_refusal.hpp"
#include "common/sql_tokens.hpp"

namespace belay {

SqlChunk PsqlLexer::next(std::string_view& rest) {
  while (!rest.empty()) {
    if (withheld_ != 0) return take_withheld(rest);
    begin_ = at_ = rest.data();
    end_ = begin_ + rest.size();
    const Kind kind = scan();
    const std::string_view text(begin_, static_cast<std::size_t>(at_ - begin_));
    rest.remove_prefix(text.size() + (withheld_ == 0 ? 0 : 1));
    line_ += count_newlines(text);
    if (!text.empty() || kind == Kind::backslash) return {kind, text};
  }
  return {};
}

SqlChunk PsqlLexer::take_withheld(std::string_view rest) {
  const bool dash = withheld_ == '-';
  withheld_ = 0;
  begin_ = at_ = end_ = rest.data();  // for the line number, if the byte is refused
  if (rest.front() == (dash ? '-' : '*')) {
    begin_comment(dash ? Mode::line_comment : Mode::block_begin);
    return {Kind::comment, dash ? "-" : "/"};
  }
  begin_token(Mode::plain);
  return {Kind::code, dash ? "-" : "/"};
}

PsqlLexer::Kind PsqlLexer::scan() {
  if (inside_comment()) return scan_comment();
  if (!inside_statement_ && is_sql_space(*at_)) return scan_blank();
  return scan_code();
}

PsqlLexer::Kind PsqlLexer::scan_blank() {
  while (at_ != end_ && is_sql_space(*at_)) ++at_;
  return Kind::blank;
}

// ---- comments ----

PsqlLexer::Kind PsqlLexer::scan_comment() {
  if (mode_ == Mode::line_comment)
    scan_line_comment();
  else
    scan_block_comment();
  return Kind::comment;
}

void PsqlLexer::scan_line_comment() {
  const auto size = static_cast<std::size_t>(end_ - at_);
  const void* newline = std::memchr(at_, '\n', size);
  const char* end = newline == nullptr ? end_ : static_cast<const char*>(newline);
  // A carriage return is a newline too.
  const void* carriage_return = std::memchr(at_, '\r', static_cast<std::size_t>(end - at_));
  if (carriage_return != nullptr) end = static_cast<const char*>(carriage_return);
  at_ = end;
  if (at_ != end_) mode_ = Mode::plain;
}

void PsqlLexer::scan_block_comment() {
  for (; at_ != end_ && inside_block_comment(); ++at_) {
    const char c = *at_;
    if (mode_ == Mode::block_begin) {
      mode_ = Mode::block_comment;
    } else if (mode_ == Mode::block_star && c == '/') {
      mode_ = comment_depth_-- == 0 ? Mode::plain : Mode::block_comment;
    } else if (mode_ == Mode::block_slash && c == '*') {
      ++comment_depth_;
      mode_ = Mode::block_comment;
    } else {
      mode_ = c == '*' ? Mode::block_star : c == '/' ? Mode::block_slash : Mode::block_comment;
    }
  }
}

// ---- code ----

PsqlLexer::Kind PsqlLexer::scan_code() {
  while (at_ != end_) {
    if (mode_ != Mode::plain) {
      scan_mode();
    } else if (const std::optional<Kind> stop = scan_plain()) {
      return *stop;
    }
  }
  return Kind::code;
}

void PsqlLexer::scan_mode() {
  switch (mode_) {
    case Mode::word:
      return scan_word();
    case Mode::after_u_ampersand:
      return scan_after_u_ampersand();
    case Mode::number:
      return scan_number();
    case Mode::after_dollar:
      return scan_after_dollar();
    case Mode::dollar_tag:
      return scan_dollar_tag();
    case Mode::dollar_body:
      matched_ = 0;
      return scan_until('$', Mode::dollar_end);
    case Mode::dollar_end:
      return scan_dollar_end();
    case Mode::after_colon:
      return scan_after_colon();
    case Mode::variable:
      return scan_variable();
    case Mode::quoted_variable:
      return scan_quoted_variable();
    case Mode::string:
      return scan_until('\'', Mode::string_quote);
    case Mode::string_quote:
    case Mode::escape_quote:
      return scan_string_quote();
    case Mode::escape_string:
      return scan_escape_string();
    case Mode::after_escape:
      ++at_;
      mode_ = Mode::escape_string;
      return;
    case Mode::bit_string:
      return scan_bit_string();
    case Mode::identifier:
      return scan_until('"', Mode::plain);  // a doubled quote ends one and begins another: that comes to the same
    default:
      mode_ = Mode::plain;
  }
}

std::optional<PsqlLexer::Kind> PsqlLexer::scan_plain() {
  for (; at_ != end_ && is_sql_space(*at_); ++at_) {
    const bool newline = *at_ == '\n' || *at_ == '\r';
    if (newline && continuation_ == Continuation::string_ended) continuation_ = Continuation::newline_after;
  }
  if (at_ == end_) return {};
  switch (*at_) {
    case '-':
    case '/':
      return scan_possible_comment();
    case ';':
      return scan_semicolon();
    case '\\':
      return at_ == begin_ ? Kind::backslash : Kind::code;
    default:
      scan_plain_token();
      return {};
  }
}

std::optional<PsqlLexer::Kind> PsqlLexer::scan_possible_comment() {
  const bool dash = *at_ == '-';
  if (at_ + 1 == end_) {
    withheld_ = *at_;
    return Kind::code;
  }
  if (at_[1] != (dash ? '-' : '*')) {
    begin_token(Mode::plain);
    ++at_;
    return {};
  }
  if (at_ != begin_) return Kind::code;
  at_ += 2;
  begin_comment(dash ? Mode::line_comment : Mode::block_comment);
  return scan_comment();
}

void PsqlLexer::begin_comment(Mode mode) {
  mode_ = mode;
  comment_depth_ = 0;
  // Between the parts of a string the server allows -- comments only.
  if (mode != Mode::line_comment) continuation_ = Continuation::no;
}

std::optional<PsqlLexer::Kind> PsqlLexer::scan_semicolon() {
  begin_token(Mode::plain);
  ++at_;
  if (parens_ > 0 || words_.depth() > 0) {
    words_.inner_semicolon();
    return {};
  }
  inside_statement_ = false;
  words_.statement_end();
  return Kind::end;
}

void PsqlLexer::scan_plain_token() {
  const char c = *at_;
  if (is_sql_word_start(c)) return begin_token(Mode::word);
  if (c >= '0' && c <= '9') return begin_token(Mode::number);
  switch (c) {
    case '\'':
      if (continuation_ == Continuation::newline_after)
        refuse("A string goes on after a line break, which psql and the server read in different ways.");
      begin_string(standard_strings_ == StandardStrings::on ? Mode::string : Mode::escape_string, Continuation::no);
      break;
    case '"':
      begin_token(Mode::identifier);
      break;
    case '$':
      begin_token(Mode::after_dollar);
      break;
    case ':':
      begin_token(Mode::after_colon);
      break;
    default:
      begin_token(Mode::plain);
      if (c == '(') ++parens_;
      if (c == ')' && parens_ > 0) --parens_;
  }
  ++at_;
}

void PsqlLexer::begin_token(Mode mode) {
  mode_ = mode;
  inside_statement_ = true;
  continuation_ = Continuation::no;
  number_ = Number::digits;
  word_size_ = 0;
  if (mode != Mode::word) refuse_if(words_.other());
}

void PsqlLexer::begin_string(Mode mode, Continuation continuation_at_end) {
  begin_token(mode);
  at_string_end_ = continuation_at_end;
}

std::string_view PsqlLexer::unfinished() const {
  if (inside_block_comment()) return "a comment";
  if (!inside_statement_ && withheld_ == 0) return {};
  switch (mode_) {
    case Mode::string:
    case Mode::escape_string:
    case Mode::after_escape:
    case Mode::bit_string:
      return "a string";
    case Mode::identifier:
      return "a quoted name";
    case Mode::dollar_body:
    case Mode::dollar_end:
      return "a dollar-quoted text";
    default:
      return "a statement";
  }
}

void PsqlLexer::refuse(std::string_view why) const {
  refuse_dump_line(line_ + count_newlines({begin_, static_cast<std::size_t>(at_ - begin_)}), std::string(why));
}

}  // namespace belay
