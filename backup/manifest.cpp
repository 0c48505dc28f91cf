#include "backup/manifest.hpp"

#include <fmt/format.h>

#include <set>

#include "backup/manifest_json.hpp"
#include "common/error.hpp"
#include "common/pending_file.hpp"
#include "common/sha256.hpp"
#include "common/strict_json.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view seal_begins = "  \"sha256\": \"";
constexpr std::string_view seal_ends = "\"\n}\n";

[[noreturn]] void refuse_manifest(const std::string& name, const std::string& why) {
  throw Error{Failure::storage, fmt::format("the manifest of \"{}\" cannot be used", name), why, "Use another backup."};
}

/// Everything before the seal, and the digest the seal names.
std::pair<std::string, std::string> unseal(const std::string& text, const std::string& name) {
  const std::size_t at = text.rfind(seal_begins);
  const std::size_t size = seal_begins.size() + 64 + seal_ends.size();
  if (at == std::string::npos || text.size() - at != size || !text.ends_with(seal_ends)) {
    refuse_manifest(name, "It does not end with its own digest: it was cut or edited.");
  }
  return {text.substr(0, at), text.substr(at + seal_begins.size(), 64)};
}

}  // namespace

std::string to_string(Level level) {
  switch (level) {
    case Level::none:
      return "none";
    case Level::checksum:
      return "checksum";
    case Level::archive:
      return "archive";
    case Level::restore:
      return "restore";
  }
  return {};
}

std::string to_string(Scope scope) {
  switch (scope) {
    case Scope::whole:
      return "whole";
    case Scope::schema:
      return "schema";
    case Scope::partial:
      return "partial";
  }
  return {};
}

std::string to_string(ArchiveFormat format) {
  switch (format) {
    case ArchiveFormat::custom:
      return "custom";
    case ArchiveFormat::plain:
      return "plain";
    case ArchiveFormat::directory:
      return "directory";
    case ArchiveFormat::tar:
      return "tar";
  }
  return {};
}

Level level_named(const std::string& word) {
  for (const Level level : {Level::none, Level::checksum, Level::archive, Level::restore}) {
    if (to_string(level) == word) return level;
  }
  throw Error{Failure::storage, fmt::format("\"{}\" is no verification level", word)};
}

Level Manifest::level() const {
  Level highest = Level::none;
  for (const VerificationRecord& record : verification) {
    const Level below =
        record.level == Level::none ? Level::none : static_cast<Level>(static_cast<int>(record.level) - 1);
    highest = record.problem.empty() ? std::max(highest, record.level) : std::min(highest, below);
  }
  return highest;
}

std::vector<std::string> Manifest::files() const {
  std::vector<std::string> names{archive.file, schema_file};
  if (globals) names.push_back(globals->file);
  return names;
}

std::uint64_t Manifest::rows() const {
  std::uint64_t total = 0;
  for (const TableContent& table : content.tables) total += table.rows;
  return total;
}

std::string write_manifest(const Manifest& manifest) {
  std::string text = manifest_to_json(manifest).dump(2, ' ', false, Json::error_handler_t::replace);
  text.resize(text.size() - 2);  // the closing "\n}"
  text += ",\n";
  return fmt::format("{}{}{}{}", text, seal_begins, sha256_hex(text), seal_ends);
}

Manifest parse_manifest(const std::string& text, const std::string& name) {
  const auto [body, digest] = unseal(text, name);
  if (sha256_hex(body) != digest)
    refuse_manifest(name, "Its digest does not match its content: it was damaged or edited.");
  try {
    return manifest_from_json(parse_strict(text));
  } catch (const Json::exception& error) {
    refuse_manifest(name, error.what());
  } catch (const Error& error) {
    refuse_manifest(name, error.message);
  }
}

std::string schema_file_text(const SchemaFingerprint& schema) {
  return to_json(schema).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void name_schema_file(Manifest& manifest, const SchemaFingerprint& schema, const std::string& text) {
  manifest.schema_sha256 = schema.sha256();
  manifest.schema_file = manifest.archive.file + ".schema.json";
  manifest.schema_file_sha256 = sha256_hex(text);
}

void replace_manifest(Files& files, const fs::path& archive, const Manifest& manifest) {
  PendingFile file{files, manifest_path(archive), PendingFile::Existing::replace};
  file.write(as_bytes(write_manifest(manifest)));
  file.commit();
}

fs::path manifest_path(const fs::path& archive) {
  fs::path path = archive;
  path += ".manifest.json";
  return path;
}

Manifest read_manifest_of(const fs::path& archive) {
  const fs::path path = manifest_path(archive);
  if (!is_there(archive)) {
    throw Error{Failure::storage,
                fmt::format("there is no archive \"{}\"", archive.string()),
                {},
                "Name the .dump.zst file of a backup."};
  }
  if (!is_there(path)) {
    throw Error{
        Failure::storage, fmt::format("the archive \"{}\" has no manifest", archive.string()),
        fmt::format("\"{}\" is missing: the archive is not whole, or not of belay's making.", path.filename().string()),
        "Use a backup that has its manifest beside it."};
  }
  Manifest manifest = parse_manifest(read_small_file(path, largest_manifest), archive.string());
  if (manifest.archive.file != archive.filename()) {
    refuse_manifest(archive.string(), fmt::format("It belongs to \"{}\".", manifest.archive.file));
  }
  return manifest;
}

}  // namespace belay
