#include "common/plain_dump.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/dump_encoding.hpp"
#include "common/error.hpp"
#include "common/fingerprint_content_parts.hpp"
#include "common/plain_dump_commands.hpp"
#include "common/plain_dump_large_objects.hpp"
#include "common/plain_dump_lexer.hpp"
#include "common/plain_dump_refusal.hpp"
#include "common/plain_dump_rows.hpp"
#include "common/plain_dump_statement.hpp"
#include "common/plain_dump_tables.hpp"
#include "common/sql_tokens.hpp"

namespace belay {

namespace {

constexpr std::string_view end_marker = "-- PostgreSQL database dump complete";
constexpr std::string_view from_version = "-- Dumped from database version ";
constexpr std::string_view by_version = "-- Dumped by pg_dump version ";
constexpr std::size_t longest_comment = 256;  // the ones that say something are shorter
constexpr std::size_t longest_command = 4096;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::size_t enough_for_format = 5;  // "PGDMP"

[[noreturn]] void throw_utf16() {
  throw Error{
      Failure::refused, "the dump is written in UTF-16",
      "psql reads UTF-8 only. Windows PowerShell writes UTF-16 when a program's output is sent to a file with >.",
      "Convert it: iconv -f UTF-16 -t UTF-8 FILE"};
}

/// What the first bytes say. Throws refused if this is no text.
std::string_view without_mark(std::string_view begin) {
  if (begin.starts_with("\xff\xfe") || begin.starts_with("\xfe\xff")) throw_utf16();
  if (begin.starts_with("PGDMP"))
    throw Error{Failure::refused,
                "this is an archive in pg_dump's custom format, not a plain dump",
                {},
                "pg_restore reads it."};
  if (begin.starts_with(byte_order_mark)) begin.remove_prefix(byte_order_mark.size());
  return begin;
}

}  // namespace

struct PlainDumpReader::State {
  State(ByteSink through, PlainDumpRules rules)
      : output(std::move(through)), commands(std::move(rules.restrict_key), output, left_out), statement(output) {}

  enum class Part {
    begin,  ///< its first bytes, which say whether it is text
    sql,
    command,   ///< a line from a backslash on
    line_end,  ///< after a statement that nothing may follow in its line
    rows,      ///< between COPY … FROM stdin and \.
    finished
  };
  Part part = Part::begin;
  PlainDumpOutput output;
  LeftOutList left_out;
  PlainDumpCommands commands;
  PlainDumpStatement statement;
  PsqlLexer lexer;
  PlainDumpTables tables;
  PlainDumpLargeObjects large_objects;
  PlainDumpRows open_rows;
  std::uint64_t rows_before = 0;
  PlainDumpFacts facts;

  std::string begun;    ///< the first bytes, or a command's line so far
  std::string comment;  ///< the beginning of the last comment between statements
  bool line_begins = true;
  bool command_misplaced = false;  ///< it is not at a line's beginning, or inside a statement
  bool in_statement = false;
  DumpVerdict waiting;  ///< takes effect at the end of its line

  void feed(std::string_view rest);
  void feed_begin(std::string_view& rest);
  void feed_sql(std::string_view& rest);
  void feed_command(std::string_view& rest);
  void feed_line_end(std::string_view& rest);
  void feed_rows(std::string_view& rest);
  void take_comment(std::string_view text);
  void end_comment();
  void begin_statement(std::uint64_t line);
  void end_statement(std::string_view text);
  void take_note(const DumpVerdict& verdict);
  void set_encoding(const std::string& name);
  void end_command();
  void end_line();
  [[nodiscard]] std::uint64_t line() const;
  [[nodiscard]] bool ends_inside_command() const { return !command_misplaced && commands.could_be_cut(begun); }
  void check_end() const;
};

// ---- the parts of a dump ----

void PlainDumpReader::State::feed(std::string_view rest) {
  while (!rest.empty()) {
    switch (part) {
      case Part::begin:
        feed_begin(rest);
        break;
      case Part::sql:
        feed_sql(rest);
        break;
      case Part::command:
        feed_command(rest);
        break;
      case Part::line_end:
        feed_line_end(rest);
        break;
      case Part::rows:
        feed_rows(rest);
        break;
      case Part::finished:
        throw Error{Failure::bug, "bytes were written to a finished dump reader"};
    }
  }
}

void PlainDumpReader::State::feed_begin(std::string_view& rest) {
  const std::string_view taken = rest.substr(0, enough_for_format - begun.size());
  begun += taken;
  rest.remove_prefix(taken.size());
  if (begun.size() < enough_for_format) return;
  part = Part::sql;
  feed(without_mark(std::exchange(begun, {})));
}

void PlainDumpReader::State::feed_sql(std::string_view& rest) {
  if (commands.awaits_connect() && rest.front() != '\\')
    refuse_dump_line(lexer.line(), "Before it stands \\encoding, which only \\connect may follow.");
  const std::uint64_t line_before = lexer.line();
  const SqlChunk chunk = lexer.next(rest);
  if (chunk.kind == SqlChunk::Kind::nothing) return;
  if (!chunk.text.empty()) line_begins = chunk.text.back() == '\n';
  switch (chunk.kind) {
    case SqlChunk::Kind::nothing:
      break;
    case SqlChunk::Kind::blank:
      end_comment();
      output.pass(chunk.text);
      break;
    case SqlChunk::Kind::comment:
      take_comment(chunk.text);
      break;
    case SqlChunk::Kind::code:
      begin_statement(line_before);
      statement.code(chunk.text);
      break;
    case SqlChunk::Kind::end:
      begin_statement(line_before);
      end_statement(chunk.text);
      break;
    case SqlChunk::Kind::backslash:
      end_comment();
      command_misplaced = in_statement || !line_begins;
      part = Part::command;
  }
}

void PlainDumpReader::State::feed_command(std::string_view& rest) {
  const std::string_view text = rest.substr(0, rest.find('\n'));
  begun += text.substr(0, longest_command - std::min(begun.size(), longest_command));
  rest.remove_prefix(text.size());
  if (rest.empty() && begun.size() < longest_command) return;
  end_command();
  rest.remove_prefix(1);
}

void PlainDumpReader::State::end_command() {
  const std::string text = std::exchange(begun, {});
  if (command_misplaced || text.size() >= longest_command) refuse_meta_line(text, lexer.line());
  commands.take(text, lexer.line());
  lexer.skip_lines(1);
  line_begins = true;
  part = Part::sql;
}

void PlainDumpReader::State::feed_line_end(std::string_view& rest) {
  const char c = rest.front();
  if (!is_sql_space(c))
    refuse_dump_line(lexer.line(),
                     "Behind a COPY, or a SET of standard_conforming_strings, the line goes on: psql would read that "
                     "after the rows, or in the old way.");
  output.pass(rest.substr(0, 1));
  rest.remove_prefix(1);
  if (c == '\n') end_line();
}

void PlainDumpReader::State::end_line() {
  lexer.skip_lines(1);
  line_begins = true;
  part = Part::sql;
  const DumpVerdict now = std::exchange(waiting, {});
  if (now.kind == DumpVerdict::Kind::standard_strings) {
    lexer.set_standard_strings(now.what == "on" ? StandardStrings::on : StandardStrings::off);
  } else {
    tables.begin_block(now.copy);
    if (tables.names().size() > facts.tables.size()) facts.tables.push_back(tables.current());
    open_rows = PlainDumpRows(lexer.line());
    part = Part::rows;
  }
}

void PlainDumpReader::State::feed_rows(std::string_view& rest) {
  const std::string_view all = rest;
  const bool ended = open_rows.add(rest);
  output.pass(all.substr(0, all.size() - rest.size()));
  if (!ended) return;
  tables.end_block(open_rows.rows(), open_rows.hash());
  rows_before += open_rows.rows();
  lexer.skip_lines(open_rows.rows() + 1);
  open_rows = PlainDumpRows();
  part = Part::sql;
}

// ---- comments and statements ----

void PlainDumpReader::State::take_comment(std::string_view text) {
  if (lexer.inside_statement()) return statement.comment(text);
  output.pass(text);
  comment += text.substr(0, longest_comment - comment.size());
}

void PlainDumpReader::State::end_comment() {
  if (comment.empty()) return;
  const std::string text = std::exchange(comment, {});
  if (text == end_marker) {
    facts.ended = true;
    ++facts.end_markers;
  }
  if (text.starts_with(from_version) && facts.server_version.empty())
    facts.server_version = text.substr(from_version.size());
  if (text.starts_with(by_version) && facts.pg_dump_version.empty())
    facts.pg_dump_version = text.substr(by_version.size());
}

void PlainDumpReader::State::begin_statement(std::uint64_t line) {
  if (std::exchange(in_statement, true)) return;
  end_comment();
  facts.ended = false;
  statement.begin(line);
}

void PlainDumpReader::State::end_statement(std::string_view text) {
  in_statement = false;
  PlainDumpStatement::Ended ended = statement.end(text);
  DumpVerdict& verdict = ended.verdict;
  switch (verdict.kind) {
    case DumpVerdict::Kind::pass:
      take_note(verdict);
      break;
    case DumpVerdict::Kind::refuse:
      break;
    case DumpVerdict::Kind::leave_out:
      left_out.add(verdict.what, statement.line());
      break;
    case DumpVerdict::Kind::copy:
      waiting = std::move(verdict);
      part = Part::line_end;
      break;
    case DumpVerdict::Kind::insert:
      facts.inserts = true;
      break;
    case DumpVerdict::Kind::large_object:
      large_objects.add(ended.text);
      break;
    case DumpVerdict::Kind::foreign_table:
      tables.add_foreign_table(verdict.copy);
      break;
    case DumpVerdict::Kind::encoding:
      set_encoding(verdict.what);
      break;
    case DumpVerdict::Kind::standard_strings:
      if ((verdict.what == "on") == (lexer.standard_strings() == StandardStrings::on)) break;
      waiting = std::move(verdict);
      part = Part::line_end;
      break;
    case DumpVerdict::Kind::search_path:
      tables.set_search_path(verdict.what);
  }
}

void PlainDumpReader::State::take_note(const DumpVerdict& verdict) {
  switch (verdict.note) {
    case DumpVerdict::Note::none:
      break;
    case DumpVerdict::Note::creates_table:
      ++facts.created_tables;
      break;
    case DumpVerdict::Note::sets_owner:
      facts.owners.insert(dumped_name_to_utf8(verdict.owner, facts.encoding));
      break;
    case DumpVerdict::Note::grants:
      facts.grants = true;
  }
}

void PlainDumpReader::State::set_encoding(const std::string& name) {
  if (!is_byte_safe_encoding(name))
    refuse_dump_line(statement.line(),
                     fmt::format("The dump is written in {}, which cannot be read safely.", shown_beginning(name)),
                     "Make the dump with pg_dump --encoding=UTF8.");
  facts.encoding = name;
  tables.set_encoding(name);
}

// ---- the end ----

std::uint64_t PlainDumpReader::State::line() const {
  return lexer.line() + (part == Part::rows ? open_rows.rows() : 0);
}

void PlainDumpReader::State::check_end() const {
  std::string inside(lexer.unfinished());
  if (part == Part::rows || (part == Part::line_end && waiting.kind == DumpVerdict::Kind::copy))
    inside = part == Part::rows ? "the rows of table " + tables.current() : "the line of a COPY statement";
  if (part == Part::command) inside = "a command";
  if (inside.empty() && commands.awaits_connect()) inside = "what \\encoding began";
  if (inside.empty() && commands.restricted()) inside = "what \\restrict began";
  if (!inside.empty())
    throw Error{Failure::storage, "the dump is cut off", fmt::format("It ends inside {}, in line {}.", inside, line()),
                "Use another backup."};
}

PlainDumpReader::PlainDumpReader(ByteSink through, PlainDumpRules rules)
    : state_(std::make_unique<State>(std::move(through), std::move(rules))) {}

PlainDumpReader::~PlainDumpReader() = default;

void PlainDumpReader::write(ByteSpan bytes) {
  const std::string_view text = as_text(bytes);
  const std::size_t nul = text.find('\0');
  state_->feed(text.substr(0, nul));
  if (nul != std::string_view::npos) {
    if (state_->part == State::Part::begin) throw_utf16();  // without a mark: every other byte is zero
    refuse_dump_line(state_->line(), "It holds a zero byte, behind which psql does not look.",
                     "A plain dump is text; this file is damaged, or something else.");
  }
  state_->output.flush();
}

void PlainDumpReader::finish() {
  State& state = *state_;
  if (state.part == State::Part::begin) {
    state.part = State::Part::sql;
    state.feed(without_mark(std::exchange(state.begun, {})));
  }
  // psql takes a command without a newline too.
  if (state.part == State::Part::command && !state.ends_inside_command()) state.end_command();
  state.end_comment();
  state.check_end();
  state.output.flush();
  state.part = State::Part::finished;
}

ContentFingerprint PlainDumpReader::content() const {
  if (state_->part != State::Part::finished) throw Error{Failure::bug, "a dump's content was asked for before its end"};
  ContentFingerprint content;
  state_->tables.fill(content);
  sort_content(content);
  if (state_->facts.inserts) content.skipped.emplace_back("rows that are INSERT statements: they were not counted");
  if (state_->large_objects.readable())
    content.large_objects = state_->large_objects.content();
  else
    content.skipped.emplace_back("large objects: they are not written as pg_dump writes them");
  return content;
}

const PlainDumpFacts& PlainDumpReader::facts() const { return state_->facts; }
const std::vector<LeftOut>& PlainDumpReader::left_out() const { return state_->left_out.all(); }
const std::string& PlainDumpReader::current_table() const { return state_->tables.current(); }
std::uint64_t PlainDumpReader::rows() const { return state_->rows_before + state_->open_rows.rows(); }

std::size_t PlainDumpReader::kept_bytes() const {
  return state_->begun.size() + state_->comment.size() + state_->statement.kept_bytes() + state_->lexer.kept_bytes();
}

}  // namespace belay
