// The data blocks of a custom-format archive, after the table of contents, up to the end of the file.
//
// A block begins with its type (a byte: 1 = table data, 3 = large objects) and its entry's number. Table data is a list
// of chunks (a length, then that many bytes; length 0 ends the list). Large objects are, each, an OID and such a list;
// OID 0 ends them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/archive_stream_fields.hpp"
#include "common/archive_stream_rows.hpp"
#include "common/archive_stream_toc.hpp"

namespace belay {

class ArchiveBlocksReader {
 public:
  /// `entries` has to stay where it is.
  enum class Use { hash, skip };
  void begin(const ArchiveHeader& header, const std::vector<ArchiveEntry>& entries, Use use);
  /// Takes all of `rest`: there is nothing behind the blocks.
  void read(std::string_view& rest);
  /// Throws storage if a block is open, or if data that the table of contents announces never came.
  void finish() const;
  /// Valid with Use::hash.
  [[nodiscard]] ContentFingerprint content() const;
  [[nodiscard]] const std::string& current_table() const { return current_table_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_before_ + rows_now_.rows(); }

 private:
  enum class Step { type, entry, object, chunk_length, chunk };
  struct Data {
    std::size_t entry = 0;
    bool seen = false;
    TableContent table;
  };
  void announce(std::size_t index);
  [[nodiscard]] bool read_step(std::string_view& rest);
  void begin_block();
  void begin_object();
  void begin_chunk();
  void take_chunk(std::string_view& rest);
  void end_table();

  const std::vector<ArchiveEntry>* entries_ = nullptr;
  Use use_ = Use::hash;
  std::unordered_map<std::int64_t, Data> data_;  ///< by the entry's number
  Step step_ = Step::type;
  bool objects_ = false;  ///< the open block holds large objects
  ArchiveInt number_;
  std::uint64_t left_ = 0;  ///< of the open chunk
  Data* open_ = nullptr;
  std::string current_table_;
  std::uint64_t rows_before_ = 0;
  ArchiveRows rows_now_;
  PieceHash object_;
  std::uint64_t object_count_ = 0;
  RowHash object_sum_;
};

}  // namespace belay
