// pg_dump's custom format read as a stream: table of contents first, then the data blocks, so that rows can be hashed
// while they pass. Archive versions 1.14 to 1.16 (pg_dump 12 to 18) are known.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/fingerprint.hpp"

namespace belay {

struct ArchiveEntry {
  int dump_id = 0;
  std::string tag, description, schema, owner, copy_statement;
  bool has_data = false;
};

/// What is to be done where the rows do not show: another version, compressed by pg_dump (anything but -Z0), or INSERT
/// commands instead of rows.
enum class ArchiveRowsUse {
  required,  ///< throw storage
  if_shown   ///< look at the archive's structure alone; of an unknown version at nothing
};

/// Takes the bytes of a custom-format archive in pieces of any size and yields tables and large objects with row counts
/// and hashes. Names are in UTF-8 whatever the archive's encoding. Memory: the table of contents; a row is never held
/// as a whole. Throws storage if the stream is not such an archive, is damaged, ends too early or has something
/// behind its end; with ArchiveRowsUse::required also if its rows do not show. A reader that threw is of no further
/// use.
class ArchiveReader {
 public:
  explicit ArchiveReader(ArchiveRowsUse rows = ArchiveRowsUse::required);
  ~ArchiveReader();
  void write(ByteSpan bytes);
  /// Throws storage if the archive is incomplete: data announced in the table of contents is missing, or a block is
  /// open.
  void finish();
  /// Tables (with columns from the COPY statement; an empty table has 0 rows) and large objects. Valid after finish().
  /// Sequences are not filled in.
  [[nodiscard]] ContentFingerprint content() const;
  [[nodiscard]] const std::vector<ArchiveEntry>& entries() const;  ///< valid once the table of contents was read
  /// `"schema"."table"` whose rows are passing now, empty between tables: for progress.
  [[nodiscard]] const std::string& current_table() const;
  [[nodiscard]] std::uint64_t rows() const;            ///< so far, over all tables
  [[nodiscard]] const std::string& dumped_by() const;  ///< pg_dump's version text from the header
  /// Rows are counted and hashed: the archive is of a known version, and they show. Valid after finish().
  [[nodiscard]] bool rows_shown() const;
  /// The archive is of a version that can be read. Valid after finish().
  [[nodiscard]] bool version_known() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace belay
