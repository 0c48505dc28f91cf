// What is done with one statement of a plain dump, from its words alone.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/copy_statement.hpp"

namespace belay {

struct DumpVerdict {
  enum class Kind {
    pass,
    leave_out,         ///< it would change other things than the database that is filled
    refuse,            ///< the whole dump is refused for it
    copy,              ///< rows follow
    insert,            ///< a row, or some, which are not counted
    large_object,      ///< a part of a large object's content
    foreign_table,     ///< a table without rows of its own
    encoding,          ///< SET client_encoding
    standard_strings,  ///< SET standard_conforming_strings
    search_path        ///< SET search_path
  };
  Kind kind = Kind::pass;
  /// leave_out: the statement's kind, "CREATE DATABASE". refuse: why, a sentence. encoding: PostgreSQL's name.
  /// standard_strings: on or off. search_path: the first schema, empty if there is none.
  std::string what = {};
  CopyStatement copy = {};  ///< of copy; of a foreign table schema and name
  /// What of a statement that passes is worth knowing.
  enum class Note { none, creates_table, sets_owner, grants };
  Note note = Note::none;
  std::string owner = {};  ///< of sets_owner, as it is written
};

enum class StatementText {
  partial,   ///< more of it comes
  too_long,  ///< more of it comes, but no more of it can be kept
  whole      ///< with its semicolon
};

/// `text` begins with a statement's first word and holds no comments. Nothing: more of the text is needed.
[[nodiscard]] std::optional<DumpVerdict> judge_dump_statement(std::string_view text, StatementText how_much);

}  // namespace belay
