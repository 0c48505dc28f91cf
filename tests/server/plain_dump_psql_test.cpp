// The reader beside psql itself: random texts, in which psql says what it takes for a command, what it sends to the
// server as one statement, and which rows it loads. The seed is Catch's; run the test again with --rng-seed.
#include <fmt/format.h>

#include <array>
#include <random>

#include "common/error.hpp"
#include "common/plain_dump_lexer.hpp"
#include "common/session_setup.hpp"
#include "common/sql_tokens.hpp"
#include "tests/common/plain_dump_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server.hpp"

namespace belay::test {
namespace {

constexpr std::array fragments{// quotes of every kind, alone: they meet in every nesting
                               "'",
                               "'",
                               "\"",
                               "$$",
                               "$$",
                               "$a$",
                               "$a$",
                               "$ab$",
                               "$1",
                               "$",
                               "E'",
                               "e'",
                               "B'",
                               "x'",
                               "N'",
                               "u&'",
                               "U&\"",
                               "u&",
                               "''",
                               "\"\"",
                               "\\\\",
                               "\\'",
                               "-",
                               "--",
                               "-- x",
                               "/*",
                               "*/",
                               "/",
                               "*",
                               "/*/",
                               "*/*",
                               "+",
                               "->",
                               "<",
                               "&",
                               ":",
                               "::",
                               ":=",
                               ":n",
                               ":'n'",
                               ":\"n\"",
                               ":'n ",
                               ";",
                               ";",
                               ";",
                               "(",
                               ")",
                               ",",
                               ".",
                               "[",
                               "\n",
                               "\n",
                               "\n",
                               "\r",
                               "\r\n",
                               " ",
                               " ",
                               "\t",
                               "\f",
                               "\n--\n'",
                               "a",
                               "e",
                               "u",
                               "_",
                               "\xc3\xa9",
                               "'\xc3\xa9'",
                               "1",
                               "1.5",
                               "1e5",
                               "1e",
                               "1.",
                               "0x1F",
                               "1_0",
                               "e'\\''",
                               "'\\'",
                               "1 e'\\''",
                               "create function f() ",
                               "create or replace procedure ",
                               "begin ",
                               "begin atomic ",
                               "atomic",
                               " select ",
                               " case ",
                               " end ",
                               " end;",
                               "create ",
                               "function ",
                               "or",
                               " BEGIN ATOMIC",
                               " return 1;",
                               " END"};

/// Fragments with markers between them: \echo and a number, which psql prints where it takes it for a command.
std::string random_text(std::mt19937& random) {
  std::string text;
  int marker = 0;
  for (unsigned left = 2 + random() % 40; left > 0; --left) {
    if (random() % 6 == 0) text += fmt::format("\\echo M{}\n", ++marker);
    text += fragments[random() % fragments.size()];
    if (random() % 4 == 0) text += ' ';
  }
  return text + fmt::format("\\echo M{}\n", ++marker);
}

void append_without_space(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (!is_sql_space(c)) out += c;
  }
}

struct Reading {
  std::string seen;      ///< the commands and the statements that were sent, in order, without white space
  bool refused = false;  ///< what comes after was not looked at
};

/// What psql 15 is expected to print for this text under --echo-queries.
Reading read_with_lexer(std::string_view text, StandardStrings setting, std::size_t piece) {
  PsqlLexer lexer;
  lexer.set_standard_strings(setting);
  Reading reading;
  std::string statement;
  bool line_comment = false;
  try {
    for (std::size_t at = 0; at < text.size();) {
      std::string_view rest = text.substr(at, piece);
      const std::size_t size = rest.size();
      const SqlChunk chunk = lexer.next(rest);
      at += size - rest.size();
      if (chunk.kind == SqlChunk::Kind::comment) {
        // psql leaves out -- comments before a statement.
        if (!line_comment && statement.empty()) line_comment = chunk.text.starts_with('-');
        if (!line_comment) append_without_space(statement, chunk.text);
      } else {
        line_comment = false;
        append_without_space(statement, chunk.text);
      }
      if (!lexer.inside_comment()) line_comment = false;
      if (chunk.kind == SqlChunk::Kind::end) {
        reading.seen += statement + "\n";
        statement.clear();
      } else if (chunk.kind == SqlChunk::Kind::backslash) {
        if (!text.substr(at).starts_with("\\echo M")) {
          reading.refused = true;  // another command: what psql does with the rest of its line is of no interest
          return reading;
        }
        const std::size_t end = text.find('\n', at);
        append_without_space(reading.seen, text.substr(at + 6, end - at - 6));
        reading.seen += '\n';
        at = end;
      }
    }
    reading.seen += statement + "\n";
  } catch (const Error&) {
    reading.refused = true;
  }
  return reading;
}

/// psql's output for each text, in one run: an included file has a lexer of its own.
std::vector<std::string> read_with_psql(const TestDatabase& db, const std::vector<std::string>& texts) {
  const ScratchFolder folder;
  std::string script = "\\o /dev/null\n";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    write_text(folder / fmt::format("{}.sql", i), texts[i]);
    script += fmt::format("SET standard_conforming_strings = {};\n", i % 2 == 0 ? "on" : "off");
    script += fmt::format("\\echo BEGIN-TEXT\n\\i {}\n\\echo END-TEXT\nROLLBACK;\n",
                          (folder / fmt::format("{}.sql", i)).string());
  }
  const auto env = child_connection_environment(db.url(), {.application_name = "belay/test"}, 150000);
  const RunResult result =
      run({pg_bin() / "psql", "-X", "-q", "-e", "--dbname=" + child_conninfo(db.url(), db.name()), "-f", "-"},
          {env.begin(), env.end()}, {.stdin_text = script});
  std::vector<std::string> outputs;
  constexpr std::string_view begin = "BEGIN-TEXT\n", end = "END-TEXT\n";
  for (std::size_t at = result.out.find(begin); at != std::string::npos; at = result.out.find(begin, at)) {
    at += begin.size();
    outputs.push_back(result.out.substr(at, result.out.find(end, at) - at));
  }
  return outputs;
}

std::string without_space(std::string_view text) {
  std::string out;
  append_without_space(out, text);
  return out;
}

TEST_CASE("commands and the ends of statements are found where psql finds them") {
  const TestDatabase db("lexer");
  std::mt19937 random(Catch::rngSeed());
  CAPTURE(Catch::rngSeed());
  std::vector<std::string> texts;
  for (int i = 0; i < 600; ++i) texts.push_back(random_text(random));
  const std::vector<std::string> said = read_with_psql(db, texts);
  REQUIRE(said.size() == texts.size());
  std::size_t whole = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const StandardStrings setting = i % 2 == 0 ? StandardStrings::on : StandardStrings::off;
    const Reading reading = read_with_lexer(texts[i], setting, 1 + random() % 30);
    const std::string expected = without_space(said[i]), found = without_space(reading.seen);
    CAPTURE(i, texts[i], said[i], reading.seen, reading.refused);
    whole += reading.refused ? 0 : 1;
    if (reading.refused)
      CHECK(expected.starts_with(found));
    else
      CHECK(expected == found);
  }
  CHECK(whole > texts.size() / 2);
}

/// The rows of a COPY, and its end, from what could be taken for one or the other. Escapes are those that COPY … TO
/// writes, so that the rows come back as they were.
std::string random_rows(std::mt19937& random) {
  constexpr std::array values{"a", "b", "\\\\", "\\\\.", "\\n", ".", "'", "$$", "\\\\\\\\", "--", "\\.", "\r"};
  const std::size_t harmless = values.size() - 2;
  const bool windows = random() % 3 == 0;
  std::string rows;
  for (unsigned left = random() % 6; left > 0; --left) {
    for (unsigned parts = random() % 4; parts > 0; --parts)
      rows += values[random() % (random() % 8 == 0 ? values.size() : harmless)];
    if (random() % 20 == 0) rows += "\\";
    if (random() % 10 == 0 && rows.ends_with('\n')) rows += "\\N";
    rows += windows != (random() % 40 == 0) ? "\r\n" : "\n";
  }
  return rows + (windows ? "\\.\r\n" : "\\.\n");
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

TEST_CASE("rows that are accepted are those that psql loads") {
  const TestDatabase db("rows");
  std::mt19937 random(Catch::rngSeed());
  CAPTURE(Catch::rngSeed());
  std::vector<std::string> texts;
  std::vector<DumpReading> readings;
  for (int i = 0; i < 400; ++i) {
    const std::string copy = "COPY t (a) FROM stdin;\n" + random_rows(random);
    readings.push_back(read_dump(copy, [&] { return std::size_t{1 + random() % 9}; }));
    texts.push_back("DROP TABLE IF EXISTS t;\nCREATE TEMPORARY TABLE t (a text);\n" + copy +
                    "\\o\n\\echo LOADED\nCOPY t TO stdout;\nDROP TABLE t;\n");
  }
  const std::vector<std::string> said = read_with_psql(db, texts);
  REQUIRE(said.size() == texts.size());
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i, texts[i], said[i], readings[i].error);
    if (!readings[i].error.empty()) continue;
    ++accepted;
    constexpr std::string_view begin = "LOADED\nCOPY t TO stdout;\n", end = "DROP TABLE t;\n";
    const std::size_t at = said[i].find(begin) + begin.size();
    const std::vector<std::string> rows = lines_of(std::string_view(said[i]).substr(at, said[i].rfind(end) - at));
    REQUIRE(readings[i].content.tables.size() == 1);
    CHECK(readings[i].content.tables[0].rows == rows.size());
    CHECK(readings[i].content.tables[0].hash == hash_of_rows(rows));
  }
  CHECK(accepted > texts.size() / 3);
}

}  // namespace
}  // namespace belay::test
