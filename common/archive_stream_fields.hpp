// The two primitives that an archive of pg_dump is made of, read over piece borders: integers and strings. Each reader
// takes what it needs from the front of `rest` and says whether it is complete; it then is ready for the next one. Work
// is linear in the bytes, and memory is only ever what has arrived: a length is never believed before its bytes are
// there.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace belay {

/// Throws Failure::storage: the archive says something that pg_dump never writes.
[[noreturn]] void throw_damaged_archive(const std::string& detail);

/// A sign byte, then `size` bytes, the least significant first. pg_dump writes C ints.
class ArchiveInt {
 public:
  void set_size(int size) { size_ = static_cast<std::size_t>(size); }
  [[nodiscard]] bool read(std::string_view& rest);
  [[nodiscard]] std::int64_t value() const { return value_; }
  /// The value as the 32-bit pattern it had in pg_dump: an OID above 2^31 is written as a negative number.
  [[nodiscard]] std::uint32_t as_oid() const { return static_cast<std::uint32_t>(value_); }

 private:
  void decode(const char* bytes);

  std::size_t size_ = 4;
  std::size_t have_ = 0;
  std::array<char, 9> bytes_{};
  std::int64_t value_ = 0;
};

/// An integer length, then that many bytes; length -1 is a null string.
class ArchiveString {
 public:
  enum class Use { keep, skip };
  void set_int_size(int size) { length_.set_size(size); }
  [[nodiscard]] bool read(std::string_view& rest, Use use);
  [[nodiscard]] bool is_null() const { return null_; }
  /// The text that was kept.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void begin(Use use);

  ArchiveInt length_;
  bool in_text_ = false, null_ = false;
  std::uint64_t left_ = 0;
  std::string text_;
};

}  // namespace belay
