#include "backup/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "backup/columns.hpp"
#include "backup/manifest_json.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

std::string short_time(TimePoint time) {
  std::string text = iso_utc(time).substr(0, 16);
  text[10] = ' ';
  return text;
}

/// One unit is enough to find a backup by.
std::string short_age(TimePoint time, TimePoint now) {
  using namespace std::chrono;
  if (time - now > minutes{10}) return "future";  // less is two clocks that do not quite agree
  const Duration age = std::max(now - time, Duration{0});
  if (age < minutes{2}) return fmt::format("{} s", floor<seconds>(age).count());
  if (age < hours{2}) return fmt::format("{} min", floor<minutes>(age).count());
  if (age < days{2}) return fmt::format("{} h", floor<hours>(age).count());
  return fmt::format("{} d", floor<days>(age).count());
}

/// Damage in the file itself, or only a trial restore that did not come out equal.
bool is_damaged(const Manifest& m) {
  const VerificationRecord* failure = standing_failure(m);
  return failure != nullptr && failure->level <= Level::archive;
}

std::string what_it_is(const Manifest& m) {
  std::string text = m.scope == Scope::whole ? "" : to_string(m.scope);
  if (m.adopted) text += (text.empty() ? "" : ", ") + std::string("adopted");
  if (m.purpose != "backup") text += (text.empty() ? "" : ", ") + m.purpose;
  return text;
}

/// Where the newest copy is; the name of the place is enough here.
std::string off_site_of(const Manifest& m) {
  if (m.copies.empty()) return {};
  const std::string& remote = m.copies.back().remote;
  const std::string place = remote.substr(0, remote.find(':', 1));  // ":local:/path" begins with one
  return m.copies.size() == 1 ? place : fmt::format("{} +{}", place, m.copies.size() - 1);
}

/// Whether the folder holds backups of more than one database: then the names alone do not tell enough.
bool several_databases(const std::vector<CatalogueEntry>& entries) {
  std::set<std::pair<std::string, std::string>> databases;
  for (const CatalogueEntry& entry : entries) {
    if (entry.manifest) databases.insert({entry.manifest->system_identifier, entry.manifest->database.name});
  }
  return databases.size() > 1;
}

std::string table_of(const std::vector<CatalogueEntry>& entries, TimePoint now) {
  const bool several = several_databases(entries);
  std::vector<std::vector<std::string>> rows;
  std::string remarks;
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest) continue;
    const Manifest& m = *entry.manifest;
    const std::string name = entry.archive.filename().string();
    rows.push_back({short_time(m.created_at), short_age(m.created_at, now), human_size(m.archive.bytes),
                    human_count(m.rows()), is_damaged(m) ? "damaged" : to_string(m.level()),
                    std::to_string(count_applied(m)), what_it_is(m), off_site_of(m), several ? m.database.name : "",
                    name});
    if (const VerificationRecord* failure = standing_failure(m))
      remarks += fmt::format("{}: verification to level {} failed on {}: {}\n", one_line(name),
                             to_string(failure->level), failure->at.substr(0, 16), one_line(failure->problem));
  }
  if (rows.empty()) return {};
  return in_columns({{"TIME (UTC)"},
                     {"AGE", Align::right},
                     {"SIZE", Align::right},
                     {"ROWS", Align::right},
                     {"LEVEL"},
                     {"MIGR.", Align::right},
                     {"KIND"},
                     {"OFF-SITE"},
                     {"DATABASE"},
                     {"NAME"}},
                    rows) +
         remarks;
}

std::string unusable_of(const std::vector<CatalogueEntry>& entries) {
  std::string text;
  for (const CatalogueEntry& entry : entries) {
    if (!entry.manifest)
      text += fmt::format("  {}: {}\n", one_line(entry.archive.filename().string()), one_line(entry.problem));
  }
  return text.empty() ? text : "Not usable\n" + text;
}

std::string form_of(const ForeignDump& dump) {
  const std::string form = to_string(dump.form);
  return dump.compression == Compression::none ? form : form + ", " + to_string(dump.compression);
}

std::string unmanaged_of(const UnmanagedDumps& unmanaged, TimePoint now) {
  std::string text;
  if (!unmanaged.dumps.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const UnmanagedDump& d : unmanaged.dumps)
      rows.push_back({short_time(d.modified_at), short_age(d.modified_at, now), human_size(d.bytes), form_of(d.dump),
                      d.path.filename().string()});
    text =
        "Unmanaged: dumps that belay did not write, by file time; `backup-db adopt FILE` proves one and takes it in\n" +
        in_columns({{"", Align::left}, {"", Align::right}, {"", Align::right}, {}, {}}, rows, "  ");
  }
  if (unmanaged.without_manifest > 0)
    text += fmt::format(
        "Not listed: {} file{} named like an archive but without manifest: interrupted backups, or not "
        "belay's\n",
        unmanaged.without_manifest, unmanaged.without_manifest == 1 ? "" : "s");
  return text;
}

std::string unfinished_of(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += fmt::format("Half removed: {}; the next backup-db in this folder finishes it\n", one_line(name));
  return text;
}

std::string text_of(const FolderListing& listing, TimePoint now) {
  const std::string table = table_of(listing.entries, now);
  return (table.empty() ? "No backup in " + one_line(listing.place) + "\n" : one_line(listing.place) + "\n" + table) +
         unusable_of(listing.entries) + unmanaged_of(listing.unmanaged, now) + unfinished_of(listing.unfinished);
}

Json failure_json(const Manifest& m) {
  const VerificationRecord* failure = standing_failure(m);
  if (failure == nullptr) return nullptr;
  return {{"level", to_string(failure->level)}, {"at", failure->at}, {"problem", failure->problem}};
}

Json backup_json(const CatalogueEntry& entry, TimePoint now) {
  const Manifest& m = *entry.manifest;
  return {{"archive", entry.archive.string()},
          {"database", m.database.name},
          {"system_identifier", m.system_identifier},
          {"server_version", m.server_version},
          {"run", m.run},
          {"created_at", iso_utc(m.created_at)},
          {"age_seconds", std::chrono::floor<std::chrono::seconds>(now - m.created_at).count()},
          {"bytes", m.archive.bytes},
          {"plain_bytes", m.archive.plain_bytes},
          {"format", to_string(m.archive.format)},
          {"compression", to_string(m.archive.compression)},
          {"rows", m.rows()},
          {"tables", m.content.tables.size()},
          {"level", to_string(m.level())},
          {"verified_at", m.verification.empty() ? Json(nullptr) : Json(m.verification.back().at)},
          {"damaged", is_damaged(m)},
          {"failed_verification", failure_json(m)},
          {"migrations", count_applied(m)},
          {"purpose", m.purpose},
          {"scope", to_string(m.scope)},
          {"adopted", m.adopted},
          {"copies", copies_to_json(m)}};
}

void add_json(Json& json, const FolderListing& listing, TimePoint now) {
  for (const CatalogueEntry& entry : listing.entries) {
    if (entry.manifest) {
      json["backups"].push_back(backup_json(entry, now));
    } else {
      json["unusable"].push_back({{"archive", entry.archive.string()}, {"problem", entry.problem}});
    }
  }
  for (const UnmanagedDump& d : listing.unmanaged.dumps) {
    json["unmanaged"].push_back({{"file", d.path.string()},
                                 {"form", to_string(d.dump.form)},
                                 {"compression", to_string(d.dump.compression)},
                                 {"bytes", d.bytes},
                                 {"modified_at", iso_utc(d.modified_at)}});
  }
  for (const std::string& name : listing.unfinished)
    json["half_removed"].push_back((fs::path{listing.place} / name).string());
  json["without_manifest"] = json["without_manifest"].get<std::size_t>() + listing.unmanaged.without_manifest;
}

}  // namespace

const VerificationRecord* standing_failure(const Manifest& manifest) {
  const VerificationRecord* failure = nullptr;
  for (const VerificationRecord& record : manifest.verification) {
    if (!record.problem.empty()) {
      failure = &record;
    } else if (failure != nullptr && record.level >= failure->level) {
      failure = nullptr;
    }
  }
  return failure;
}

std::size_t count_applied(const Manifest& manifest) {
  return static_cast<std::size_t>(std::count_if(manifest.history.begin(), manifest.history.end(),
                                                [](const RecordedMigration& r) { return r.state == "applied"; }));
}

FolderListing read_listing(const fs::path& folder) {
  return {folder.string(), list_backups(folder), find_unmanaged(folder), unfinished_removals(folder)};
}

Result show_listing(const std::vector<FolderListing>& places, TimePoint now) {
  Result result{.json = {{"backups", Json::array()},
                         {"unusable", Json::array()},
                         {"unmanaged", Json::array()},
                         {"half_removed", Json::array()},
                         {"without_manifest", 0}}};
  for (const FolderListing& listing : places) {
    if (!result.text.empty()) result.text += "\n";
    result.text += text_of(listing, now);
    add_json(result.json, listing, now);
  }
  return result;
}

int list_backups_command(const BackupOptions& options, Tool& tool) {
  std::vector<fs::path> folders = catalogue_folders(options.output_path);
  if (folders.empty()) folders = default_folders();
  std::vector<FolderListing> places;
  for (const fs::path& folder : folders) places.push_back(read_listing(folder));
  tool.out.result(show_listing(places, tool.clock.now()));
  return 0;
}

}  // namespace belay
