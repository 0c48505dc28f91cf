#include "backup/foreign.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "backup/catalogue.hpp"
#include "backup/manifest.hpp"
#include "common/ascii.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// Enough for every mark that is looked for. A zstd block of 128 KiB has to be there before it decodes to anything.
constexpr std::size_t wanted_bytes = 2048, most_read = std::size_t{512} * 1024, step = 1024;

/// The decoded beginning of a file, as far as it can be had.
class Beginning {
 public:
  Beginning(const fs::path& path, Compression compression)
      : file_(read_file(path)), decoder_(make_decompressor(compression, path.string(), [this](ByteSpan bytes) {
          text_ += as_text(bytes.first(std::min(bytes.size(), wanted_bytes - std::min(wanted_bytes, text_.size()))));
        })) {}

  std::string read() {
    std::array<std::byte, step> room{};
    try {
      for (std::size_t taken = 0; text_.size() < wanted_bytes && taken < most_read;) {
        const std::size_t got = file_(room);
        if (got == 0) break;
        taken += got;
        decoder_->write(ByteSpan{room}.first(got));
      }
    } catch (const Error&) {
      // Damaged, or not what its first bytes promise: what was decoded so far is judged.
    }
    return text_;
  }

 private:
  std::string text_;
  ByteSource file_;
  std::unique_ptr<Decompressor> decoder_;
};

std::string beginning_of(const fs::path& path, Compression compression) {
  try {
    return Beginning{path, compression}.read();
  } catch (const Error&) {
    return {};  // not readable for this user
  }
}

Compression compression_of(std::string_view beginning) {
  if (beginning.starts_with("\x1f\x8b")) return Compression::gzip;
  if (beginning.starts_with("\x28\xb5\x2f\xfd")) return Compression::zstd;
  return Compression::none;
}

constexpr std::string_view magic = "PGDMP", toc_name = "toc.dat";

/// The byte behind magic, version and the sizes of numbers says which of pg_dump's formats it is; but the toc.dat of a
/// directory calls itself custom too.
bool is_custom(std::string_view text) {
  constexpr char custom_format = 1;
  return text.starts_with(magic) && text.size() > 10 && text[10] == custom_format;
}

bool is_tar(std::string_view text) {
  return text.size() > 517 && text.starts_with(std::string_view{"toc.dat\0", 8}) && text.substr(257, 5) == "ustar" &&
         text.substr(512, 5) == magic;
}

/// pg_dump's comment, as a line of its own within the first KiB; pg_dumpall says "cluster dump".
bool is_script(std::string_view text) {
  constexpr std::string_view comment = "-- PostgreSQL database dump";
  const std::string_view first = text.substr(0, 1024);
  for (std::size_t at = first.find(comment); at != std::string_view::npos; at = first.find(comment, at + 1)) {
    const std::size_t end = at + comment.size();
    const bool begins_line = at == 0 || first[at - 1] == '\n';
    if (begins_line && (end == first.size() || first[end] == '\n' || first[end] == '\r')) return true;
  }
  return false;
}

std::optional<ForeignDump> recognise_file(const fs::path& path) {
  const std::string raw = beginning_of(path, Compression::none);
  const Compression compression = compression_of(raw);
  const std::string text = compression == Compression::none ? raw : beginning_of(path, compression);
  if (is_custom(text)) return ForeignDump{DumpForm::custom, compression};
  if (is_tar(text)) return ForeignDump{DumpForm::tar, compression};
  if (is_script(text)) return ForeignDump{DumpForm::plain, compression};
  return std::nullopt;
}

bool is_regular(const fs::path& path) {
  std::error_code missing;
  return fs::is_regular_file(path, missing);
}

Bytes size_of(const fs::path& path) {
  std::error_code ignored;
  if (is_regular(path)) return fs::file_size(path, ignored);
  Bytes total = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    if (is_regular(entry.path())) total += entry.file_size(ignored);
  }
  return total;
}

/// Takes the last part off `text` at the last `_`.
std::string_view take_last_part(std::string_view& text) {
  const std::size_t at = text.rfind('_');
  if (at == std::string_view::npos) return {};
  const std::string_view part = text.substr(at + 1);
  text = text.substr(0, at);
  return part;
}

bool ends_in_stamp(std::string_view stem) {
  std::string_view last = take_last_part(stem);
  if (all_digits(last) && last.size() < 6) last = take_last_part(stem);  // the second one of that second
  const std::string_view day = take_last_part(stem);
  return all_digits(last) && last.size() == 6 && all_digits(day) && day.size() == 8 && !stem.empty();
}

}  // namespace

std::string to_string(DumpForm form) {
  switch (form) {
    case DumpForm::custom:
      return "custom";
    case DumpForm::plain:
      return "plain";
    case DumpForm::directory:
      return "directory";
    case DumpForm::tar:
      return "tar";
  }
  return {};
}

std::optional<ForeignDump> recognise_dump(const fs::path& path) {
  std::error_code missing;
  if (is_regular(path)) return path.filename() == toc_name ? std::nullopt : recognise_file(path);  // a directory's part
  const fs::path toc = path / toc_name;
  if (!fs::is_directory(path, missing) || !is_regular(toc)) return std::nullopt;
  if (!beginning_of(toc, Compression::none).starts_with(magic)) return std::nullopt;
  return ForeignDump{DumpForm::directory, Compression::none};
}

Compression compression_of_file(const fs::path& path) { return compression_of(beginning_of(path, Compression::none)); }

TimePoint dump_time(const fs::path& path) {
  struct stat info {};
  const fs::path file = is_regular(path / toc_name) ? path / toc_name : path;
  if (::stat(file.c_str(), &info) != 0) return {};
  return TimePoint{std::chrono::seconds{info.st_mtim.tv_sec}} + std::chrono::microseconds{info.st_mtim.tv_nsec / 1000};
}

bool is_archive_name(const std::string& name) {
  std::string_view stem = name;
  const auto drop_extension = [&](std::string_view extension) {
    if (!stem.ends_with(extension)) return false;
    stem.remove_suffix(extension.size());
    return true;
  };
  const std::array extensions{".dump.zst", ".dump", ".sql.zst", ".sql.gz", ".sql"};
  if (std::none_of(extensions.begin(), extensions.end(), drop_extension)) return false;
  const std::array prefixes{"schema_backup_", "partial_backup_", "backup_"};
  for (const std::string_view prefix : prefixes) {
    if (stem.starts_with(prefix)) return ends_in_stamp(stem.substr(prefix.size()));
  }
  return false;
}

UnmanagedDumps find_unmanaged(const fs::path& folder) {
  UnmanagedDumps found;
  for (const std::string& name : names_in(folder)) {
    const fs::path path = folder / name;
    std::error_code missing;
    const bool managed = fs::exists(manifest_path(path), missing) || fs::exists(removal_mark(path), missing);
    if (managed || name.ends_with(".partial")) continue;
    if (is_archive_name(name)) {
      ++found.without_manifest;
    } else if (const std::optional<ForeignDump> dump = recognise_dump(path)) {
      found.dumps.push_back({path, *dump, size_of(path), dump_time(path)});
    }
  }
  std::stable_sort(found.dumps.begin(), found.dumps.end(),
                   [](const UnmanagedDump& a, const UnmanagedDump& b) { return a.modified_at < b.modified_at; });
  return found;
}

}  // namespace belay
