// What a database is, as comparable facts: a schema part (one canonical line per catalog fact) and a content part
// (rows, sequences, large objects).
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/connection.hpp"

namespace belay {

// ---- schema part (fingerprint_schema.cpp, fingerprint_compare.cpp) ----

/// One catalog fact. Identity is a path of names, never an OID. kind/object/attribute/value are all part of the
/// comparison.
struct SchemaFact {
  std::string kind;       ///< "table", "column", "constraint", …
  std::string object;     ///< e.g. `"public"."orders"."total"`
  std::string attribute;  ///< "type", "default", "owner", "privileges", …
  std::string value;
  bool expression = false;  ///< value is deparsed SQL, which a dump and restore may print differently
  auto operator<=>(const SchemaFact&) const = default;
};

struct SchemaFingerprint {
  int version = 1;                ///< of this format
  int server_major = 0;           ///< facts of different majors are never compared
  std::vector<SchemaFact> facts;  ///< sorted, unique
  std::map<std::string, std::uint64_t>
      not_compared;  ///< kinds of catalog objects that are present but not known yet, with their number
  /// SHA-256 over the canonical lines of all facts, and the numbers of what is not compared.
  [[nodiscard]] std::string sha256() const;
  /// One hash per object (kind + object): "what changed" without the texts.
  [[nodiscard]] std::map<std::string, std::string> object_hashes() const;
};

/// Reads every fact in one REPEATABLE READ READ ONLY transaction with search_path '' and pinned settings. If `db` is
/// already in a transaction (the backup's snapshot), that one is used. `history_schema`: the definition of
/// _prisma_migrations there is left out (it differs between Prisma versions).
[[nodiscard]] SchemaFingerprint read_schema_fingerprint(Connection& db, const std::string& history_schema);

enum class Severity { hard, soft };
struct SchemaDifference {
  Severity severity = Severity::hard;
  std::string kind, object, attribute;
  std::optional<std::string> expected, found;  ///< none = absent on that side
  /// One line for people: `column "public"."t"."a": type: expected integer, found bigint`.
  [[nodiscard]] std::string describe() const;
};

/// Differences between `expected` (as recorded) and `found`. An expression whose text differs is parsed and deparsed
/// once in `reparse_in` (a database that holds the objects of `found`; everything is rolled back) from the recorded
/// text; only what still differs counts. Without `reparse_in` texts are compared as they are.
[[nodiscard]] std::vector<SchemaDifference> compare_schema(const SchemaFingerprint& expected,
                                                           const SchemaFingerprint& found, Connection* reparse_in);

[[nodiscard]] nlohmann::ordered_json to_json(const SchemaFingerprint& fingerprint);
/// Throws storage if the JSON is not a fingerprint of a version this program knows.
[[nodiscard]] SchemaFingerprint schema_from_json(const nlohmann::ordered_json& json);

// ---- content part (row_hash.hpp, fingerprint_content.cpp) ----

/// Sum modulo 2^128 of XXH3-128 over every row in COPY text form (its newline included), so that row order does not
/// matter.
struct RowHash {
  std::uint64_t high = 0, low = 0;
  void add_row(std::string_view row);
  /// Adds another sum (one table's parts may be hashed apart).
  RowHash& operator+=(const RowHash& other);
  [[nodiscard]] std::string hex() const;  ///< 32 digits
  auto operator<=>(const RowHash&) const = default;
};

struct TableContent {
  std::string schema, name;
  std::vector<std::string> columns;  ///< as pg_dump copies them: no generated columns
  std::uint64_t rows = 0;
  std::string hash;  ///< RowHash::hex
  bool operator==(const TableContent&) const = default;
};
struct SequenceContent {
  std::string schema, name;
  std::int64_t last_value = 0;
  bool is_called = false;
  std::int64_t increment = 1;  ///< its sign says which way is "not behind"
  bool operator==(const SequenceContent&) const = default;
};
struct LargeObjects {
  std::uint64_t count = 0;
  std::string hash;  ///< sum of the hashes of (oid, content), as RowHash::hex
  bool operator==(const LargeObjects&) const = default;
};
struct ContentFingerprint {
  std::vector<TableContent> tables;        ///< by schema, name
  std::vector<SequenceContent> sequences;  ///< by schema, name
  LargeObjects large_objects;
  std::vector<std::string> skipped;  ///< "foreign table "x"."y": rows live elsewhere", a sentence each
};

/// Tables whose rows pg_dump copies (ordinary tables and partitions, no extension members without configuration, no
/// foreign tables).
[[nodiscard]] std::vector<TableContent> list_tables(Connection& db);
/// Positions of all sequences (user schemas).
[[nodiscard]] std::vector<SequenceContent> read_sequences(Connection& db);
/// COPYs every table of the session's database and hashes the rows; the session must have the pinned text form (else
/// bug). Uses the open transaction's snapshot if there is one. Rows are read in the database's encoding, names in the
/// session's (UTF-8). `column_order`: a table that has the same columns as one given here is read in that one's order.
/// A restored inheritance child may have its columns in another order than the original, and its rows are still the
/// same.
[[nodiscard]] ContentFingerprint read_content_fingerprint(Connection& db,
                                                          const std::vector<TableContent>& column_order = {});

/// The same through several sessions of one database at once, all idle and on one snapshot; a large table is read in
/// parts. The sessions are left idle.
[[nodiscard]] ContentFingerprint read_content_fingerprint(std::vector<Connection>& sessions,
                                                          const std::vector<TableContent>& column_order);

struct ContentDifference {
  std::string object;    ///< `table "public"."orders"`
  std::string describe;  ///< "expected 200 rows, found 0"
};
/// Tables left out of the comparison are given as `schema.name` pairs. Sequences may be ahead of `expected`, never
/// behind. What was skipped on either side is not compared.
[[nodiscard]] std::vector<ContentDifference> compare_content(
    const ContentFingerprint& expected, const ContentFingerprint& found,
    const std::set<std::pair<std::string, std::string>>& left_out = {});

}  // namespace belay
