#include "backup/manifest_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/error.hpp"
#include "common/strict_json.hpp"

namespace belay {

namespace {

/// Fields that a reader has to understand to restore rightly. A newer belay that adds one that older ones must not pass
/// over puts its name here.
constexpr std::array required_fields{"archive", "target", "fingerprint", "history"};
/// Required only of manifests that say something unusual there: the others can be read by programs that do not know
/// them.
constexpr std::array required_if_unusual{"scope", "failed_verification", "rows_readable"};

Json required_json(const Manifest& m) {
  Json list = required_fields;
  const bool failed = std::any_of(m.verification.begin(), m.verification.end(),
                                  [](const VerificationRecord& r) { return !r.problem.empty(); });
  if (m.scope != Scope::whole) list.push_back("scope");
  if (failed) list.push_back("failed_verification");
  if (!m.archive.rows_readable) list.push_back("rows_readable");
  return list;
}

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
    content.tables.push_back({t.at("schema"), t.at("name"), t.at("columns").get<std::vector<std::string>>(),
                              whole_number<std::uint64_t>(t.at("rows")), t.at("hash")});
  }
  for (const Json& s : json.at("sequences")) {
    content.sequences.push_back({s.at("schema"), s.at("name"), whole_number<std::int64_t>(s.at("last_value")),
                                 s.at("is_called"), whole_number<std::int64_t>(s.at("increment"))});
  }
  content.large_objects = {whole_number<std::uint64_t>(json.at("large_objects").at("count")),
                           json.at("large_objects").at("hash")};
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
    if (!r.problem.empty()) list.back()["problem"] = r.problem;
  }
  return list;
}

void verification_from_json(const Json& list, Manifest& m) {
  for (const Json& r : list) {
    m.verification.push_back({level_named(r.at("level")), r.at("at"), r.at("by"),
                              r.at("skipped").get<std::vector<std::string>>(), r.value("problem", "")});
  }
}

Json companion_json(const Companion& file) {
  return {{"file", file.file}, {"bytes", file.bytes}, {"sha256", file.sha256}};
}

Json roles_json(const Manifest& m) {
  Json list = Json::array();
  for (const RoleDefinition& r : m.role_definitions)
    list.push_back({{"name", r.name}, {"create", r.create}, {"grants", r.grants}});
  return list;
}

/// Fields that came after the first release of the format: absent in older manifests.
void later_fields_from_json(const Json& json, Manifest& m) {
  m.purpose = json.value("purpose", "backup");
  m.adopted = json.value("adopted", false);
  m.warnings = json.value("warnings", std::vector<std::string>{});
  for (const Json& r : json.value("role_definitions", Json::array()))
    m.role_definitions.push_back({r.at("name"), r.at("create"), r.at("grants").get<std::vector<std::string>>()});
  for (const Json& c : json.value("copies", Json::array())) m.copies.push_back({c.at("remote"), c.at("at")});
  if (json.contains("globals"))
    m.globals = Companion{file_name(json["globals"].at("file")), whole_number<Bytes>(json["globals"].at("bytes")),
                          json["globals"].at("sha256")};
}

template <typename Word, typename... Words>
Word word_named(const std::string& text, const char* what, Word first, Words... others) {
  for (const Word word : {first, others...}) {
    if (to_string(word) == text) return word;
  }
  throw Error{Failure::storage, fmt::format("\"{}\" is no {} that this version knows", text, what)};
}

void check_version(const Json& json) {
  if (json.at("format") != "belay-manifest" || whole_number<int>(json.at("version")) != manifest_version) {
    throw Error{Failure::storage, "It is of a version that this belay does not read."};
  }
  for (const std::string field : json.at("required")) {
    const bool known =
        std::find(required_fields.begin(), required_fields.end(), field) != required_fields.end() ||
        std::find(required_if_unusual.begin(), required_if_unusual.end(), field) != required_if_unusual.end();
    if (!known)
      throw Error{Failure::storage, fmt::format("It needs the field \"{}\", which this version does not know.", field)};
  }
}

Json archive_json(const ArchiveFacts& a) {
  Json json{{"file", a.file},          {"format", to_string(a.format)}, {"compression", to_string(a.compression)},
            {"bytes", a.bytes},        {"plain_bytes", a.plain_bytes},  {"sha256", a.sha256},
            {"dumped_by", a.dumped_by}};
  if (!a.rows_readable) json["rows_readable"] = false;
  return json;
}

ArchiveFacts archive_from_json(const Json& a) {
  return {file_name(a.at("file")),
          word_named(a.at("format"), "format", ArchiveFormat::custom, ArchiveFormat::plain),
          word_named(a.at("compression"), "compression", Compression::none, Compression::gzip, Compression::zstd),
          whole_number<Bytes>(a.at("bytes")),
          whole_number<Bytes>(a.at("plain_bytes")),
          a.at("sha256"),
          a.at("dumped_by"),
          a.value("rows_readable", true)};
}

}  // namespace

Json content_to_json(const ContentFingerprint& content) {
  return {{"tables", tables_json(content)},
          {"sequences", sequences_json(content)},
          {"large_objects", {{"count", content.large_objects.count}, {"hash", content.large_objects.hash}}},
          {"skipped", content.skipped}};
}

Json copies_to_json(const Manifest& m) {
  Json list = Json::array();
  for (const OffSiteCopy& c : m.copies) list.push_back({{"remote", c.remote}, {"at", c.at}});
  return list;
}

Json manifest_to_json(const Manifest& m) {
  Json target = to_json(m.database);
  target["server_version"] = m.server_version;
  target["system_identifier"] = m.system_identifier;
  Json json{{"format", "belay-manifest"},
            {"version", manifest_version},
            {"required", required_json(m)},
            {"tool", m.tool},
            {"run", m.run},
            {"purpose", m.purpose},
            {"scope", to_string(m.scope)},
            {"adopted", m.adopted},
            {"created_at", iso_utc(m.created_at)},
            {"target", target},
            {"archive", archive_json(m.archive)},
            {"snapshot",
             {{"lsn", m.snapshot.lsn},
              {"time", m.snapshot.time},
              {"snapshot", m.snapshot.snapshot},
              {"lock", m.snapshot.lock},
              {"database_oid", m.snapshot.database_oid},
              {"counters", counters_json(m.snapshot)}}},
            {"history_schema", m.history_schema},
            {"history", history_json(m)},
            {"fingerprint",
             {{"schema", {{"sha256", m.schema_sha256}, {"file", m.schema_file}, {"file_sha256", m.schema_file_sha256}}},
              {"content", content_to_json(m.content)}}},
            {"extensions", m.extensions},
            {"roles", m.roles},
            {"role_definitions", roles_json(m)},
            {"not_included", m.not_included},
            {"warnings", m.warnings},
            {"verification", verification_json(m)},
            {"copies", copies_to_json(m)},
            {"restore_without_belay", m.restore_command}};
  if (m.globals) json["globals"] = companion_json(*m.globals);
  return json;
}

Manifest manifest_from_json(const Json& json) {
  check_version(json);
  Manifest m;
  m.tool = json.at("tool");
  m.run = json.at("run");
  m.created_at = parse_iso_utc(json.at("created_at"));
  m.database = properties_from_json(json.at("target"));
  m.server_version = whole_number<int>(json.at("target").at("server_version"));
  m.system_identifier = json.at("target").at("system_identifier");
  m.archive = archive_from_json(json.at("archive"));
  const Json& s = json.at("snapshot");
  m.snapshot = {{}, s.at("lsn"), s.at("time"), s.at("snapshot"), s.at("lock"), s.value("database_oid", "")};
  for (const Json& c : s.at("counters"))
    m.snapshot.counters.push_back({c.at("schema"), c.at("name"), whole_number<std::int64_t>(c.at("changes"))});
  m.history_schema = json.at("history_schema");
  for (const Json& r : json.at("history"))
    m.history.push_back({r.at("id"), r.at("name"), r.at("checksum"), r.at("state")});
  const Json& schema = json.at("fingerprint").at("schema");
  m.schema_sha256 = schema.at("sha256");
  m.schema_file = file_name(schema.at("file"));
  m.schema_file_sha256 = schema.at("file_sha256");
  m.content = content_from_json(json.at("fingerprint").at("content"));
  m.extensions = json.at("extensions").get<std::vector<std::string>>();
  m.roles = json.at("roles").get<std::vector<std::string>>();
  m.not_included = json.at("not_included").get<std::vector<std::string>>();
  verification_from_json(json.at("verification"), m);
  m.scope = word_named(json.value("scope", "whole"), "scope", Scope::whole, Scope::schema, Scope::partial);
  later_fields_from_json(json, m);
  m.restore_command = json.at("restore_without_belay");
  return m;
}

}  // namespace belay
