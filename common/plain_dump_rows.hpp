// The rows of one COPY block in a plain dump.
//
// psql sends line by line whatever follows COPY … FROM stdin, up to a line that is \. alone; the server reads the
// lines. Three things in the lines would make the server see other rows than those that are counted here. pg_dump
// writes none of them, and they are refused: \. behind something else in its line (versions up to 17 end the data
// there, and lose the rest without a word), a row that goes on after a \ at the line's end, and a carriage return
// inside a row.
//
// A file that was written under Windows ends its lines in \r\n. The server takes the end of a block's first line for
// the end of all its lines, so such rows are loaded as if they ended in \n, and are hashed so. Lines of both kinds in
// one block are an error of the server's.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "common/copy_rows.hpp"

namespace belay {

class PlainDumpRows {
 public:
  /// Rows begin in this line of the dump.
  explicit PlainDumpRows(std::uint64_t line = 0) : first_line_(line), line_(line) {}
  /// Takes rows from the front of `rest`, up to and including the line `\.`. True = that line came. Throws refused.
  [[nodiscard]] bool add(std::string_view& rest);
  [[nodiscard]] std::uint64_t rows() const { return rows_.rows(); }
  [[nodiscard]] const RowHash& hash() const { return rows_.hash(); }

 private:
  enum class LineEnd { unknown, newline, carriage_return_newline };
  [[nodiscard]] bool add_lines(std::string_view& rest);
  [[nodiscard]] bool add_line_with_returns(std::string_view& rest);
  void set_line_end(LineEnd end);
  void check(std::string_view text);
  void skip(std::string_view& text, std::size_t left);
  void check_byte(char c);
  [[noreturn]] void refuse(const std::string& why) const;

  std::uint64_t first_line_;
  std::uint64_t line_;  ///< now looked at
  CopyRows rows_;
  LineEnd line_end_ = LineEnd::unknown;
  bool return_pending_ = false;  ///< the last byte was a carriage return
  bool escaping_ = false;        ///< the last byte was a \ that is not escaped itself
  bool line_begins_ = true;      ///< the next byte is a line's first
  bool at_line_begin_ = false;   ///< that \ was a line's first byte
  bool end_begun_ = false;       ///< the last two bytes were \. at a line's beginning
};

}  // namespace belay
