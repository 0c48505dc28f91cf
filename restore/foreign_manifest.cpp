#include "restore/foreign_manifest.hpp"

#include <fmt/format.h>

namespace belay {

namespace {

/// A locale that goes with any encoding.
bool is_c_locale(const std::string& name) { return name == "C" || name == "POSIX"; }

/// Of a database that is made anew: the server's own locale; and the dump's encoding, where that locale goes with it
/// (else the server converts the text on its way in).
DatabaseProperties new_database(const ForeignFindings& found, const ForeignPlace& place) {
  const RunContext& context = place.context;
  Connection server{context.target.url, context.maintenance.database(), place.tool.session()};
  DatabaseProperties pattern = read_properties(server, "template0").value();
  DatabaseProperties properties{.name = context.database(), .owner = place.owner.value_or(context.server.role)};
  properties.encoding =
      is_c_locale(pattern.collate) && is_c_locale(pattern.ctype) && found.script.encoding != "SQL_ASCII"
          ? found.script.encoding
          : pattern.encoding;
  properties.locale_provider = pattern.locale_provider;
  properties.collate = pattern.collate;
  properties.ctype = pattern.ctype;
  properties.icu_locale = pattern.icu_locale;
  properties.tablespace = pattern.tablespace;
  properties.lc_monetary = pattern.lc_monetary;
  return properties;
}

/// A dump that holds definitions alone, or rows alone, is not a database.
Scope scope_of(const ForeignFindings& found) {
  const bool has_rows = !found.content.tables.empty() || found.script.inserts;
  if (found.script.created_tables > 0 && !has_rows) return Scope::schema;
  return found.script.created_tables == 0 && has_rows ? Scope::partial : Scope::whole;
}

std::vector<std::string> unchecked_of(const ForeignFindings& found) {
  std::vector<std::string> lines{
      "damage that leaves the dump readable: no digest of it was recorded when it was made",
      "definitions: there is no record of what they were in the original",
      "where and when it was taken, and whether it is all of that database: a dump does not say",
      "positions of sequences: they are set as the dump says, and there is nothing to compare them with"};
  if (found.script.inserts)
    lines.emplace_back("rows: they are written as INSERT statements, which are not counted before they are run");
  if (!found.structure_known)
    lines.emplace_back("what may stand behind the archive's end: it is of a version that only pg_restore knows");
  if (!found.listing)
    lines.emplace_back("objects other than tables: a script has no table of contents to count them by");
  if (!found.script.ended)
    lines.emplace_back("completeness: pg_dump's end mark is not in it, so it was made by something else");
  for (const std::string& skipped : found.content.skipped) lines.push_back(skipped);
  return lines;
}

Manifest manifest_of(const ForeignFindings& found, const ForeignPlace& place) {
  const ServerFacts& server = place.context.server;
  Manifest manifest;
  manifest.tool = found.archive.dumped_by;
  manifest.run = place.tool.run;
  manifest.scope = scope_of(found);
  manifest.created_at = found.written_at;
  manifest.database = server.database ? *server.database : new_database(found, place);
  manifest.server_version = server.version;
  manifest.system_identifier = server.system_identifier;
  manifest.archive = found.archive;
  manifest.archive.rows_readable = !found.script.inserts;  // `content` has them, whoever read them
  manifest.snapshot.time = iso_utc(found.written_at);
  manifest.snapshot.lock = "unknown";
  manifest.history_schema = place.context.history_schema;
  manifest.content = found.content;
  // An archive's own owners are not asked for where everything gets another one.
  const bool owners_needed = !place.owner || found.archive.format == ArchiveFormat::plain;
  if (owners_needed) manifest.roles.assign(found.script.owners.begin(), found.script.owners.end());
  if (place.owner) manifest.roles.push_back(*place.owner);
  return manifest;
}

}  // namespace

void describe_foreign(const ForeignFindings& found, const ForeignPlace& place, RestoreSource& source) {
  source.manifest = manifest_of(found, place);
  source.unchecked = unchecked_of(found);
  ForeignFacts facts{.created_tables = found.script.created_tables,
                     .rows_counted = !found.script.inserts,
                     .names_owners = !found.script.owners.empty(),
                     .has_grants = found.script.grants};
  if (found.listing) facts.objects = found.listing->objects;
  source.foreign_facts = std::make_shared<ForeignFacts>(std::move(facts));
}

}  // namespace belay
