#include "backup/inspect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/columns.hpp"
#include "backup/list.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t most_shown = 20;

std::string line(const std::string& title, const std::string& text) {
  return fmt::format("{:<12}{}\n", title, one_line(text));
}

/// The title before the first, the others below it; a bounded number.
std::string lines(const std::string& title, const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size() && i < most_shown; ++i) text += line(i == 0 ? title : "", all[i]);
  if (all.size() > most_shown) text += line("", fmt::format("and {} more: --json", all.size() - most_shown));
  return text;
}

std::string describe_origin(const Manifest& m, TimePoint now) {
  const DatabaseProperties& d = m.database;
  std::string taken = fmt::format("{} ({} ago) by {}, run {}", iso_utc(m.created_at),
                                  human_duration(std::max(now - m.created_at, Duration{0})), m.tool, m.run);
  if (m.adopted) taken += "; the dump is not of belay's making";
  return line("Database", fmt::format("\"{}\" of system {}, PostgreSQL {}.{}", d.name, m.system_identifier,
                                      m.server_version / 10000, m.server_version % 10000)) +
         line("Taken", taken) + line("Purpose", m.purpose) +
         line("Scope", m.scope == Scope::whole    ? "whole"
                       : m.scope == Scope::schema ? "schema: definitions without rows"
                                                  : "partial: some objects only");
}

std::string describe_archive(const Manifest& m) {
  const ArchiveFacts& a = m.archive;
  return line("Size",
              fmt::format("{} ({} bytes), {} of dump", human_size(a.bytes), a.bytes, human_size(a.plain_bytes))) +
         line("Format",
              fmt::format("{}, {}, by {}{}", to_string(a.format),
                          a.compression == Compression::none ? "not compressed" : to_string(a.compression), a.dumped_by,
                          a.rows_readable ? "" : "; its rows cannot be read without a restore")) +
         line("SHA-256", a.sha256) + lines("Files", m.files()) +
         (m.globals ? line("Globals", fmt::format("{} ({}): roles, memberships and tablespaces of the whole server",
                                                  m.globals->file, human_size(m.globals->bytes)))
                    : "");
}

std::string largest_tables(const Manifest& m) {
  std::vector<TableContent> tables = m.content.tables;
  std::stable_sort(tables.begin(), tables.end(),
                   [](const TableContent& a, const TableContent& b) { return a.rows > b.rows; });
  std::vector<std::string> names;
  for (const TableContent& t : tables) {
    names.push_back(
        fmt::format("{}.{} {}", quote_identifier(t.schema), quote_identifier(t.name), count_of(t.rows, "row")));
  }
  return lines("Tables", names);
}

std::string describe_content(const Manifest& m) {
  const ContentFingerprint& c = m.content;
  std::string content =
      fmt::format("{} in {}, {}, {}", count_of(m.rows(), "row"), count_of(c.tables.size(), "table"),
                  count_of(c.sequences.size(), "sequence"), count_of(c.large_objects.count, "large object"));
  if (m.scope == Scope::schema) content = "definitions only";
  std::vector<std::string> states;
  for (const RecordedMigration& r : m.history) {
    if (r.state != "applied") states.push_back(r.name + ": " + r.state);
  }
  std::string migrations = fmt::format("{} applied", count_applied(m));
  if (!m.history.empty()) migrations += ", the last row is " + m.history.back().name;
  return line("Content", content) + largest_tables(m) + line("Migrations", migrations) + lines("", states) +
         lines("Extensions", m.extensions) +
         line("Snapshot", fmt::format("{}, WAL {}, tables {}", m.snapshot.time, m.snapshot.lsn, m.snapshot.lock));
}

std::string grant_text(const DatabaseGrant& g) {
  return fmt::format("{} to {}{}, by \"{}\"", g.privilege, g.grantee ? "\"" + *g.grantee + "\"" : "PUBLIC",
                     g.grantable ? " with grant option" : "", g.grantor);
}

std::string describe_properties(const DatabaseProperties& d) {
  std::string locale = fmt::format("{}, collate {}, ctype {}", d.encoding, d.collate, d.ctype);
  if (!d.locale_provider.empty()) locale += ", provider " + d.locale_provider;
  if (d.icu_locale) locale += ", locale " + *d.icu_locale;
  std::vector<std::string> grants, settings;
  for (const DatabaseGrant& g : d.grants) grants.push_back(grant_text(g));
  for (const DatabaseSetting& s : d.settings)
    settings.push_back(fmt::format("{} = {}{}", s.name, s.value, s.role ? " for role \"" + *s.role + "\"" : ""));
  return line("Owner", "\"" + d.owner + "\"") + line("Locale", locale) + lines("Settings", settings) +
         (d.default_privileges ? line("Privileges", "the default") : lines("Privileges", grants)) +
         (d.comment ? line("Comment", *d.comment) : "") +
         (d.connection_limit >= 0 ? line("Connections", fmt::format("at most {}", d.connection_limit)) : "") +
         (d.tablespace == "pg_default" ? "" : line("Tablespace", d.tablespace)) +
         (d.is_template ? line("Template", "yes") : "");
}

std::string describe_roles(const Manifest& m) {
  std::vector<std::string> definitions;
  for (const RoleDefinition& r : m.role_definitions) {
    definitions.push_back(r.create);
    definitions.insert(definitions.end(), r.grants.begin(), r.grants.end());
  }
  return line("Roles", fmt::format("{} referred to, {} with definition (without passwords)",
                                   human_count(m.roles.size()), human_count(m.role_definitions.size()))) +
         lines("", m.role_definitions.empty() ? m.roles : definitions);
}

std::string describe_verification(const Manifest& m) {
  std::vector<std::string> all;
  for (const VerificationRecord& r : m.verification) {
    const std::string what = fmt::format("{} at {} by belay {}", to_string(r.level), r.at, r.by);
    all.push_back(r.problem.empty() ? what : what + ": FAILED: " + r.problem);
    for (const std::string& skipped : r.skipped) all.push_back("  skipped: " + skipped);
  }
  std::string text = line("Level", m.level() == Level::none ? "none: not verified" : to_string(m.level()));
  return text + lines("Verified", all);
}

std::string describe_copies(const Manifest& m) {
  std::vector<std::string> all;
  for (const OffSiteCopy& c : m.copies) all.push_back(fmt::format("{} at {}", c.remote, c.at));
  return all.empty() ? line("Off-site", "no copy recorded") : lines("Off-site", all);
}

}  // namespace

std::string describe_backup(const fs::path& archive, const Manifest& m, TimePoint now) {
  const std::string restore = m.scope == Scope::whole ? "restore-database --backup-file " + archive.string()
                                                      : "not by restore-database: it does not hold the whole database";
  return line("Backup", archive.string()) + describe_origin(m, now) + describe_verification(m) + describe_copies(m) +
         describe_archive(m) + describe_content(m) + describe_properties(m.database) + describe_roles(m) +
         lines("Not in it", m.not_included) + lines("pg_dump said", m.warnings) + line("Restore", restore) +
         line("By hand", m.restore_command);
}

int show_backup(const BackupOptions& options, Tool& tool) {
  const fs::path archive = fs::absolute(options.files.front()).lexically_normal();
  const Manifest manifest = read_manifest_of(archive);
  const Json json{{"archive", archive.string()},
                  {"level", to_string(manifest.level())},
                  {"manifest", Json::parse(write_manifest(manifest))}};
  tool.out.result({describe_backup(archive, manifest, tool.clock.now()), json});
  return 0;
}

}  // namespace belay
