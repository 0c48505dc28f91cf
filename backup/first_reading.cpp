#include "backup/first_reading.hpp"

#include <fmt/format.h>

#include "common/archive_stream.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/interrupt.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

/// A script that was cut between two statements is a smaller, valid one. pg_dump's own say where they end.
void require_one_end(const PlainDumpFacts& facts) {
  if (facts.end_markers > 1) {
    throw Error{Failure::storage, "the script is several dumps, one behind the other",
                fmt::format("The line \"PostgreSQL database dump complete\" is in it {} times.", facts.end_markers),
                "Cut it into its parts, and use one of them."};
  }
  if (facts.ended || facts.pg_dump_version.empty()) return;
  if (facts.end_markers > 0) {
    throw Error{Failure::storage, "the script goes on behind its end",
                "Statements follow the line \"PostgreSQL database dump complete\".", "Use another dump."};
  }
  throw Error{Failure::storage, "the script ends too early",
              "It is pg_dump's, and the line \"PostgreSQL database dump complete\" is not at its end.",
              "Use another dump."};
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, const ForeignDump& dump)
      : decoder_(make_decompressor(dump.compression, file.filename(), [this](ByteSpan plain) { take(plain); })) {
    reading_.facts.file = file.filename();
    reading_.facts.format = dump.form == DumpForm::plain ? ArchiveFormat::plain : ArchiveFormat::custom;
    reading_.facts.compression = dump.compression;
  }

  FirstReading read(const ByteSource& source) {
    Sha256 digest;
    std::vector<std::byte> room(std::size_t{1024} * 1024);
    for (std::size_t got = source(room); got > 0; got = source(room)) {
      throw_if_interrupted();
      digest.update({room.data(), got});
      reading_.facts.bytes += got;
      decoder_->write({room.data(), got});
    }
    decoder_->finish();
    reading_.facts.sha256 = digest.hex();
    reading_.facts.format == ArchiveFormat::plain ? finish_script() : finish_archive();
    return std::move(reading_);
  }

 private:
  void take(ByteSpan plain) {
    reading_.facts.plain_bytes += plain.size();
    if (reading_.facts.format == ArchiveFormat::plain) return script_.write(plain);
    archive_.write(plain);
  }

  void finish_script() {
    script_.finish();
    require_one_end(script_.facts());
    reading_.script = script_.facts();
    reading_.left_out = script_.left_out();
    reading_.facts.dumped_by = "pg_dump " + reading_.script.pg_dump_version;
    reading_.facts.rows_readable = !reading_.script.inserts;
    reading_.content = script_.content();
  }

  void finish_archive() {
    archive_.finish();
    reading_.structure_known = archive_.version_known();
    if (reading_.structure_known) reading_.facts.dumped_by = "pg_dump " + archive_.dumped_by();
    reading_.facts.rows_readable = archive_.rows_shown();
    if (reading_.facts.rows_readable) reading_.content = archive_.content();
  }

  FirstReading reading_;
  ArchiveReader archive_{ArchiveRowsUse::if_shown};
  PlainDumpReader script_;
  std::unique_ptr<Decompressor> decoder_;
};

}  // namespace

FirstReading read_first(const std::filesystem::path& file, const ForeignDump& dump) {
  return Reader{file, dump}.read(read_file(file));
}

}  // namespace belay
