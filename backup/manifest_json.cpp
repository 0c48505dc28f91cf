#include "backup/manifest_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/error.hpp"

namespace belay {

namespace {

/// Fields that a reader has to understand to restore rightly. A newer belay that adds one that older ones must not pass
/// over puts its name here.
constexpr std::array required_fields{"archive", "target", "fingerprint", "history"};

Json tables_json(const ContentFingerprint& content) {
  Json list = Json::array();
  for (const TableContent& t : content.tables) {
    list.push_back(
        {{"schema", t.schema}, {"name", t.name}, {"columns", t.columns}, {"rows", t.rows}, {"hash", t.hash}});
  }
  return list;
}

Json sequences_json(const ContentFingerprint& content) {
  Json list = Json::array();
  for (const SequenceContent& s : content.sequences) {
    list.push_back({{"schema", s.schema},
                    {"name", s.name},
                    {"last_value", s.last_value},
                    {"is_called", s.is_called},
                    {"increment", s.increment}});
  }
  return list;
}

ContentFingerprint content_from_json(const Json& json) {
  ContentFingerprint content;
  for (const Json& t : json.at("tables")) {
    content.tables.push_back(
        {t.at("schema"), t.at("name"), t.at("columns").get<std::vector<std::string>>(), t.at("rows"), t.at("hash")});
  }
  for (const Json& s : json.at("sequences")) {
    content.sequences.push_back(
        {s.at("schema"), s.at("name"), s.at("last_value"), s.at("is_called"), s.at("increment")});
  }
  content.large_objects = {json.at("large_objects").at("count"), json.at("large_objects").at("hash")};
  content.skipped = json.at("skipped").get<std::vector<std::string>>();
  return content;
}

Json counters_json(const SnapshotFacts& snapshot) {
  Json list = Json::array();
  for (const WriteCounter& c : snapshot.counters) {
    list.push_back({{"schema", c.schema}, {"name", c.name}, {"changes", c.changes}});
  }
  return list;
}

Json history_json(const Manifest& m) {
  Json list = Json::array();
  for (const RecordedMigration& r : m.history) {
    list.push_back({{"id", r.id}, {"name", r.name}, {"checksum", r.checksum}, {"state", r.state}});
  }
  return list;
}

Json verification_json(const Manifest& m) {
  Json list = Json::array();
  for (const VerificationRecord& r : m.verification) {
    list.push_back({{"level", to_string(r.level)}, {"at", r.at}, {"by", r.by}, {"skipped", r.skipped}});
  }
  return list;
}

Compression compression_named(const std::string& word) {
  for (const Compression c : {Compression::none, Compression::gzip, Compression::zstd}) {
    if (to_string(c) == word) return c;
  }
  throw Error{Failure::storage, fmt::format("\"{}\" is no compression that this version knows", word)};
}

void check_version(const Json& json) {
  if (json.at("format") != "belay-manifest" || json.at("version") != manifest_version) {
    throw Error{Failure::storage, "It is of a version that this belay does not read."};
  }
  for (const std::string field : json.at("required")) {
    const bool known = std::find(required_fields.begin(), required_fields.end(), field) != required_fields.end();
    if (!known)
      throw Error{Failure::storage, fmt::format("It needs the field \"{}\", which this version does not know.", field)};
  }
}

Json archive_json(const ArchiveFacts& a) {
  return {{"file", a.file},          {"format", a.format},           {"compression", to_string(a.compression)},
          {"bytes", a.bytes},        {"plain_bytes", a.plain_bytes}, {"sha256", a.sha256},
          {"dumped_by", a.dumped_by}};
}

ArchiveFacts archive_from_json(const Json& a) {
  return {a.at("file"),   a.at("format"),   compression_named(a.at("compression")), a.at("bytes"), a.at("plain_bytes"),
          a.at("sha256"), a.at("dumped_by")};
}

}  // namespace

Json content_to_json(const ContentFingerprint& content) {
  return {{"tables", tables_json(content)},
          {"sequences", sequences_json(content)},
          {"large_objects", {{"count", content.large_objects.count}, {"hash", content.large_objects.hash}}},
          {"skipped", content.skipped}};
}

Json manifest_to_json(const Manifest& m) {
  Json target = to_json(m.database);
  target["server_version"] = m.server_version;
  target["system_identifier"] = m.system_identifier;
  return {{"format", "belay-manifest"},
          {"version", manifest_version},
          {"required", required_fields},
          {"tool", m.tool},
          {"run", m.run},
          {"created_at", iso_utc(m.created_at)},
          {"target", target},
          {"archive", archive_json(m.archive)},
          {"snapshot",
           {{"lsn", m.snapshot.lsn},
            {"time", m.snapshot.time},
            {"snapshot", m.snapshot.snapshot},
            {"lock", m.snapshot.lock},
            {"counters", counters_json(m.snapshot)}}},
          {"history_schema", m.history_schema},
          {"history", history_json(m)},
          {"fingerprint",
           {{"schema", {{"sha256", m.schema_sha256}, {"file", m.schema_file}, {"file_sha256", m.schema_file_sha256}}},
            {"content", content_to_json(m.content)}}},
          {"extensions", m.extensions},
          {"roles", m.roles},
          {"not_included", m.not_included},
          {"verification", verification_json(m)},
          {"restore_without_belay", m.restore_command}};
}

Manifest manifest_from_json(const Json& json) {
  check_version(json);
  Manifest m;
  m.tool = json.at("tool");
  m.run = json.at("run");
  m.created_at = parse_iso_utc(json.at("created_at"));
  m.database = properties_from_json(json.at("target"));
  m.server_version = json.at("target").at("server_version");
  m.system_identifier = json.at("target").at("system_identifier");
  m.archive = archive_from_json(json.at("archive"));
  const Json& s = json.at("snapshot");
  m.snapshot = {{}, s.at("lsn"), s.at("time"), s.at("snapshot"), s.at("lock")};
  for (const Json& c : s.at("counters")) m.snapshot.counters.push_back({c.at("schema"), c.at("name"), c.at("changes")});
  m.history_schema = json.at("history_schema");
  for (const Json& r : json.at("history"))
    m.history.push_back({r.at("id"), r.at("name"), r.at("checksum"), r.at("state")});
  const Json& schema = json.at("fingerprint").at("schema");
  m.schema_sha256 = schema.at("sha256");
  m.schema_file = schema.at("file");
  m.schema_file_sha256 = schema.at("file_sha256");
  m.content = content_from_json(json.at("fingerprint").at("content"));
  m.extensions = json.at("extensions").get<std::vector<std::string>>();
  m.roles = json.at("roles").get<std::vector<std::string>>();
  m.not_included = json.at("not_included").get<std::vector<std::string>>();
  for (const Json& r : json.at("verification")) {
    m.verification.push_back(
        {level_named(r.at("level")), r.at("at"), r.at("by"), r.at("skipped").get<std::vector<std::string>>()});
  }
  m.restore_command = json.at("restore_without_belay");
  return m;
}

}  // namespace belay
