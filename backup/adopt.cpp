// What is true if the process dies: until the manifest's rename nothing has changed but a side database, which the next
// run drops, and maybe a schema file beside the dump, which a second try replaces. The dump itself is only read.
#include "backup/adopt.hpp"

#include <fmt/format.h>

#include "backup/first_reading.hpp"
#include "backup/foreign.hpp"
#include "backup/reverify.hpp"
#include "backup/take.hpp"
#include "backup/verify.hpp"
#include "common/error.hpp"
#include "common/pending_file.hpp"
#include "common/run_context.hpp"
#include "common/run_lock.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

ForeignDump require_dump(const fs::path& file) {
  if (is_there(manifest_path(file))) {
    throw Error{Failure::refused,
                fmt::format("\"{}\" has a manifest already", file.string()),
                {},
                fmt::format("It is a backup; to verify it: backup-db verify {}", file.string())};
  }
  const std::optional<ForeignDump> dump = recognise_dump(file);
  if (!dump) {
    throw Error{Failure::refused, fmt::format("\"{}\" is no dump of PostgreSQL that can be read", file.string()),
                "Neither pg_dump's custom format nor an SQL script was found in it.",
                "Name a file that pg_dump wrote, plain, or in gzip or zstd."};
  }
  if (dump->form == DumpForm::custom || dump->form == DumpForm::plain) return *dump;
  throw Error{
      Failure::refused,
      fmt::format("\"{}\" is in pg_dump's {} format, which cannot be adopted", file.string(), to_string(dump->form)),
      {},
      "Restore it by hand and take a backup of the result."};
}

fs::path half_manifest(const fs::path& file) { return manifest_path(file).string() + ".partial"; }

class Adoption {
 public:
  Adoption(const BackupOptions& options, RunContext& context, const TrialPlace& place, TrialRestore& trial, Tool& tool)
      : options_(options), context_(context), place_(place), trial_(trial), tool_(tool) {}

  Json adopt(const fs::path& file, std::string& text) {
    const ForeignDump dump = require_dump(file);
    const FirstReading reading = read_first(file, dump);
    Manifest manifest = begin(file, reading);
    trial_.check(place_, context_.server.database->size_bytes, tool_);
    const SchemaFingerprint schema = trial_.examine(place_, file, manifest, tool_);
    manifest.system_identifier = context_.server.system_identifier;
    require_same_rows(file, reading, manifest);
    describe(manifest);
    if (!options_.common.dry_run) write(file, schema, manifest);
    text += fmt::format("{}\n  {}: {} rows in {} tables, restored for trial\n", file.string(),
                        options_.common.dry_run ? "could be adopted" : "adopted", human_count(manifest.rows()),
                        manifest.content.tables.size());
    return {{"archive", file.string()}, {"rows", manifest.rows()}, {"tables", manifest.content.tables.size()}};
  }

 private:
  [[nodiscard]] Manifest begin(const fs::path& file, const FirstReading& reading) const;
  static void require_same_rows(const fs::path& file, const FirstReading& reading, const Manifest& manifest);
  void describe(Manifest& manifest) const;
  void write(const fs::path& file, const SchemaFingerprint& schema, Manifest& manifest);

  const BackupOptions& options_;
  RunContext& context_;
  const TrialPlace& place_;
  TrialRestore& trial_;
  Tool& tool_;
};

Manifest Adoption::begin(const fs::path& file, const FirstReading& reading) const {
  Manifest manifest;
  manifest.run = tool_.run;
  manifest.adopted = true;
  manifest.created_at = dump_time(file);
  manifest.database = *context_.server.database;
  manifest.archive = reading.facts;
  manifest.snapshot.time = iso_utc(manifest.created_at);
  manifest.snapshot.lock = "unknown";
  manifest.history_schema = context_.history_schema;
  return manifest;
}

/// Where the file shows its rows, they must be those that came out of it.
void Adoption::require_same_rows(const fs::path& file, const FirstReading& reading, const Manifest& manifest) {
  if (!reading.facts.rows_readable) return;
  std::map<std::pair<std::string, std::string>, const TableContent*> restored;
  for (const TableContent& table : manifest.content.tables) restored[{table.schema, table.name}] = &table;
  for (const TableContent& table : reading.content.tables) {
    const auto found = restored.find({table.schema, table.name});
    const std::uint64_t rows = found == restored.end() ? 0 : found->second->rows;
    if (found != restored.end() && rows == table.rows) continue;
    throw Error{Failure::failed, fmt::format("\"{}\" does not restore to what is in it", file.string()),
                fmt::format("Table {}.{} has {} rows in the file and {} after the restore.", table.schema, table.name,
                            table.rows, rows),
                "It was not adopted, and nothing was changed."};
  }
}

void Adoption::describe(Manifest& manifest) const {
  manifest.restore_command = restore_without_belay(manifest.archive, manifest.database);
  manifest.not_included.emplace_back(
      "owner, settings and privileges of the database itself: those of the present one were noted instead");
  manifest.verification.push_back(
      {Level::restore,
       iso_utc(tool_.clock.now()),
       BELAY_VERSION,
       {"comparison with the original: nothing but the dump was left of it; what its restore gave was recorded"}});
}

void Adoption::write(const fs::path& file, const SchemaFingerprint& schema, Manifest& manifest) {
  const std::string text = schema_file_text(schema);
  name_schema_file(manifest, schema, text);
  for (const fs::path& half : {file.parent_path() / (manifest.schema_file + ".partial"), half_manifest(file)}) {
    if (fs::exists(half) && !is_locked_by_another(half)) tool_.files.remove(half);  // of a try that was killed
  }
  PendingFile schema_file{tool_.files, file.parent_path() / manifest.schema_file, PendingFile::Existing::replace};
  schema_file.write(as_bytes(text));
  schema_file.commit();
  PendingFile manifest_file{tool_.files, manifest_path(file), PendingFile::Existing::refuse};
  manifest_file.write(as_bytes(write_manifest(manifest)));
  manifest_file.commit();  // from here on it is a backup
}

}  // namespace

int adopt_dumps(const BackupOptions& options, TrialRestore& trial, Tool& tool) {
  for (const std::string& file : options.files) (void)require_dump(fs::absolute(file).lexically_normal());
  RunContext context = open_run(tool, options.common, std::nullopt);
  if (!context.server.database) {
    throw Error{Failure::refused,
                fmt::format("there is no database \"{}\" on this server", context.database()),
                {},
                "Name the database that the dump is of: its encoding, locale and name are recorded with the backup."};
  }
  lock_run(context, tool, run_lock_patience);
  drop_dead_trials(context.maintenance, context.database(), tool);
  TrialPlace place = other_trial_place(options).value_or(TrialPlace{.url = context.target.url,
                                                                    .source = context.target.source,
                                                                    .maintenance_db = options.common.maintenance_db,
                                                                    .free = options.server_free,
                                                                    .pg_bin = options.common.pg_bin,
                                                                    .locked = &context.maintenance});
  Result result{.text = {}, .json = {{"adopted", Json::array()}}};
  Adoption adoption{options, context, place, trial, tool};
  for (const std::string& file : options.files)
    result.json["adopted"].push_back(adoption.adopt(fs::absolute(file).lexically_normal(), result.text));
  tool.out.result(result);
  return 0;
}

}  // namespace belay
