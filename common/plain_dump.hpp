// A plain SQL dump (pg_dump's plain format, or what pg_restore -f - writes) read as a stream: its rows are hashed while
// they pass, and what may be fed to psql is separated from what may not.
//
// A plain dump is a program for psql, and psql has commands that act on the machine it runs on (\! runs a shell). A
// dump is data from somewhere else: this filter lets nothing of that kind through. It finds such commands where psql
// finds them (plain_dump_lexer.hpp). Statements are judged by their first words; what a function or a DO block does
// when it runs is not looked into. One thing that such code can do matters here: change how psql reads what follows,
// with set_config('client_encoding', 'SJIS', …) or set_config('standard_conforming_strings', …). Against that only
// psql's own \restrict helps (from the releases of August 2025 on), with a key that the dump's author could not know:
// PlainDumpRules::restrict_key.
//
// psql is to be started with -X (no psqlrc, hence no variables of its own) and ON_ERROR_STOP: without it, rows whose
// COPY failed are read as commands. Its session has to begin with client_encoding UTF8 and standard_conforming_strings
// on.
#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/fingerprint.hpp"

namespace belay {

struct PlainDumpRules {
  /// Letters and digits. If given, psql is first of all sent `\restrict KEY`, and the dump's own \restrict and
  /// \unrestrict are left out. If empty, the dump's own are passed on: psql from before August 2025 knows neither.
  std::string restrict_key = {};
};

/// A kind of statement or command that was not passed on.
struct LeftOut {
  std::string what;         ///< "CREATE DATABASE", "\connect", …
  std::uint64_t count = 0;  ///< how often
  std::uint64_t line = 0;   ///< the first one's, 1-based
  bool operator==(const LeftOut&) const = default;
};

struct PlainDumpFacts {
  std::string server_version, pg_dump_version;  ///< as its first lines say; empty if they do not
  std::string encoding = "UTF8";                ///< PostgreSQL's name for what it is written in
  std::vector<std::string> tables;  ///< `"schema"."table"` with rows in COPY form, in order of their first block
  bool inserts = false;             ///< there are rows as INSERT statements; they are not counted
  /// No statement comes after pg_dump's end marker, and that is there. Other programs write none.
  bool ended = false;
  std::uint64_t end_markers = 0;     ///< more than one: several dumps, one behind the other
  std::uint64_t created_tables = 0;  ///< CREATE TABLE statements, foreign and temporary tables left out
  std::set<std::string> owners;      ///< whom ALTER … OWNER TO names, in UTF-8; empty for a dump without owners
  bool grants = false;               ///< there are GRANT or REVOKE statements about objects of the database
};

/// Takes the bytes of a dump in pieces of any size. Memory: the names of tables; neither a row nor a statement is ever
/// held as a whole. A reader that threw is of no further use, and the psql that it feeds has to be stopped before its
/// input ends: at the end psql would run a last statement without its semicolon.
class PlainDumpReader {
 public:
  /// `through` gets what may go to psql, if there is one. Newlines of what is left out stay, so that psql's line
  /// numbers are the dump's (one more with a restrict_key).
  explicit PlainDumpReader(ByteSink through = {}, PlainDumpRules rules = {});
  ~PlainDumpReader();
  /// Throws refused, with the line's number, for what must not be run or cannot be read in one way only: a command of
  /// psql's, COPY from a file, a second database, …
  void write(ByteSpan bytes);
  /// Throws storage if the dump ends inside rows, a quoted text, a comment or a statement. (A missing end marker is a
  /// fact.)
  void finish();
  /// Tables (with columns from the COPY statement; blocks for the same table add up) and large objects, rows hashed as
  /// ArchiveReader hashes the same rows. Names in UTF-8. Not filled in: sequences, tables whose rows are INSERT
  /// statements. Where one table's blocks have different lists of columns, its hash is empty. `skipped` names what was
  /// not hashed. Valid after finish().
  [[nodiscard]] ContentFingerprint content() const;
  [[nodiscard]] const PlainDumpFacts& facts() const;           ///< as far as they are known by now
  [[nodiscard]] const std::vector<LeftOut>& left_out() const;  ///< in order of their first lines
  /// `"schema"."table"` whose rows are passing now, empty between tables: for progress.
  [[nodiscard]] const std::string& current_table() const;
  [[nodiscard]] std::uint64_t rows() const;  ///< so far, over all tables
  /// Bytes of the dump that are held now.
  [[nodiscard]] std::size_t kept_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace belay
