#include "restore/foreign_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/first_reading.hpp"
#include "backup/private_folder.hpp"
#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "restore/dump_parts.hpp"
#include "restore/dump_reading.hpp"
#include "restore/foreign_manifest.hpp"
#include "restore/standard_input.hpp"
#include "restore/unpacked.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

ForeignDump require_dump(const fs::path& path) {
  std::optional<ForeignDump> dump = recognise_dump(path);
  if (dump) return *dump;
  throw Error{Failure::storage, fmt::format("\"{}\" is no dump of PostgreSQL that can be read", path.string()),
              "Neither an archive of pg_dump's nor an SQL script of it was found there. A dump of a whole cluster "
              "(pg_dumpall) is none of one database.",
              "Name what pg_dump wrote: a script or an archive, plain, in gzip or zstd, or a folder."};
}

/// An archive inside a tar file that is compressed as a whole has to be a file before pg_restore takes it.
class Unpacked final : public SourceFiles {
 public:
  Unpacked(const fs::path& file, Compression compression, const fs::path& folder, Tool& tool) : folder_(folder) {
    Descriptor out = tool.files.create_locked(path());
    const std::unique_ptr<Decompressor> decoder =
        make_decompressor(compression, file.filename(), [&](ByteSpan plain) { tool.files.write(out, plain); });
    const ByteSource source = read_file(file);
    std::vector<std::byte> room(std::size_t{256} * 1024);
    for (std::size_t got = source(room); got > 0; got = source(room)) {
      throw_if_interrupted();
      decoder->write({room.data(), got});
    }
    decoder->finish();
    tool.files.close(std::move(out));
  }
  [[nodiscard]] fs::path path() const { return folder_.path() / "dump.tar"; }

 private:
  PrivateFolder folder_;
};

/// Several things that are in use together.
struct Together final : SourceFiles {
  Together(std::shared_ptr<SourceFiles> a, std::shared_ptr<SourceFiles> b)
      : first(std::move(a)), second(std::move(b)) {}
  std::shared_ptr<SourceFiles> first, second;
};

class ForeignSource {
 public:
  ForeignSource(const RestoreOptions& options, const RunContext& context, Tool& tool)
      : options_(options), context_(context), tool_(tool) {}

  RestoreSource open(const fs::path& path, std::string shown, std::shared_ptr<SourceFiles> files) {
    source_.archive = path;
    source_.shown = std::move(shown);
    source_.files = std::move(files);
    source_.foreign = true;
    tool_.out.progress("reading the dump", {{"phase", "read"}});
    const ForeignDump dump = require_dump(path);
    found_.written_at = dump_time(path);
    switch (dump.form) {
      case DumpForm::plain:
        read_script(dump);
        break;
      case DumpForm::custom:
        read_custom(dump);
        break;
      case DumpForm::directory:
        read_in_place(ArchiveFormat::directory);
        break;
      case DumpForm::tar:
        if (dump.compression != Compression::none) unpack(dump.compression);
        read_in_place(ArchiveFormat::tar);
    }
    for (const LeftOut& left : found_.left_out)
      tool_.out.note(fmt::format("Will be left out of the script: {} (line {})", left.what, left.line));
    describe_foreign(found_, {options_.elsewhere.owner, context_, tool_}, source_);
    return std::move(source_);
  }

 private:
  void read_script(const ForeignDump& dump) {
    FirstReading reading = read_first(source_.archive, dump);
    found_.archive = reading.facts;
    found_.content = std::move(reading.content);
    found_.script = std::move(reading.script);
    found_.left_out = std::move(reading.left_out);
  }

  void read_custom(const ForeignDump& dump) {
    FirstReading reading = read_first(source_.archive, dump);
    found_.archive = std::move(reading.facts);
    found_.structure_known = reading.structure_known;
    read_archive();
  }

  void read_in_place(ArchiveFormat format) {
    found_.archive = read_parts(source_.archive, format);
    read_archive();
  }

  void read_archive() {
    const PgTool pg_restore =
        find_pg_tool(tool_.processes, "pg_restore", context_.server.major(), options_.common.pg_bin);
    DumpReading reading = read_by_pg_restore(tool_.processes, pg_restore, source_.archive, found_.archive);
    found_.archive.dumped_by = "pg_dump " + reading.listing.pg_dump_version;
    found_.content = std::move(reading.content);
    found_.script = std::move(reading.script);
    found_.listing = std::move(reading.listing);
  }

  void unpack(Compression compression) {
    const fs::path folder = unpacking_folder(options_.work_dir);
    make_private_directories(folder);
    const auto unpacked = std::make_shared<Unpacked>(source_.archive, compression, folder, tool_);
    source_.archive = unpacked->path();
    source_.files = std::make_shared<Together>(source_.files, unpacked);
  }

  const RestoreOptions& options_;
  const RunContext& context_;
  Tool& tool_;
  RestoreSource source_;
  ForeignFindings found_;
};

}  // namespace

RestoreSource open_foreign(const fs::path& path, const RestoreOptions& options, const RunContext& context, Tool& tool) {
  return ForeignSource{options, context, tool}.open(path, path.string(), {});
}

RestoreSource open_standard_input(const RestoreOptions& options, const RunContext& context, Tool& tool) {
  const fs::path folder = unpacking_folder(options.work_dir);
  make_private_directories(folder);
  const auto taken = std::make_shared<StandardInput>(folder, tool);
  return ForeignSource{options, context, tool}.open(taken->path(), "standard input", taken);
}

}  // namespace belay
