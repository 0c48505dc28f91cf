#include "restore/dump_reading.hpp"

#include <fmt/format.h>

#include <optional>

#include "backup/archive_source.hpp"
#include "common/error.hpp"
#include "restore/dump_parts.hpp"

namespace belay {

namespace {

class ByPgRestore {
 public:
  ByPgRestore(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
              const ArchiveFacts& facts)
      : processes_(processes), pg_restore_(pg_restore), archive_(archive), facts_(facts) {}

  enum class Rest { check, leave };
  void run(const std::string& what, const ByteSink& out, Rest rest) const {
    Command command{.program = pg_restore_.path, .args = {what}, .env = {}, .limit = {}};
    std::optional<ArchiveSource> source;
    if (is_read_in_place(facts_.format)) {
      command.args.push_back(archive_.string());
    } else {
      source.emplace(archive_, facts_, ArchiveSource::Rows::ignore);
    }
    const ByteSource decoded = [&](std::span<std::byte> room) { return source->read(room); };
    const Exit end = processes_.run(command, source ? decoded : ByteSource{}, out);
    if (source && rest == Rest::check) source->finish();  // damage is told before its consequences
    judge(end);
  }

 private:
  void judge(const Exit& end) const {
    if (end.ok()) return;
    if (end.killed())
      throw ChildKilled{Failure::refused, fmt::format("pg_restore was ended by {} while it read the dump", end.how()),
                        "Somebody, or a system short of memory, has ended it: that says nothing about the dump.",
                        "Run it again."};
    throw Error{
        Failure::storage,
        fmt::format("pg_restore {} could not read the dump \"{}\" ({})", pg_restore_.version,
                    archive_.filename().string(), end.how()),
        end.err,
        "Use another dump; or name a newer pg_restore with --pg-bin, if it says that the version is unsupported."};
  }

  ProcessRunner& processes_;
  const PgTool& pg_restore_;
  const std::filesystem::path& archive_;
  const ArchiveFacts& facts_;
};

}  // namespace

DumpReading read_by_pg_restore(ProcessRunner& processes, const PgTool& pg_restore, const std::filesystem::path& archive,
                               const ArchiveFacts& facts) {
  const ByPgRestore reader{processes, pg_restore, archive, facts};
  std::string listing;
  reader.run(
      "--list", [&](ByteSpan bytes) { listing += as_text(bytes); }, ByPgRestore::Rest::leave);
  PlainDumpReader script;
  reader.run(
      "--file=-", [&](ByteSpan bytes) { script.write(bytes); }, ByPgRestore::Rest::check);
  script.finish();
  return {parse_archive_listing(listing), script.facts(), script.content()};
}

}  // namespace belay
