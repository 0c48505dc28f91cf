#include "backup/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"

namespace belay {

namespace {

std::string encoded(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string extension(const BackupWishes& wishes) {
  const std::string format = wishes.format == ArchiveFormat::custom ? "dump" : "sql";
  switch (wishes.compression.compression) {
    case Compression::none:
      return format;
    case Compression::gzip:
      return format + ".gz";
    case Compression::zstd:
      return format + ".zst";
  }
  return format;
}

bool is_taken(const std::vector<std::string>& taken, const std::string& stem) {
  return std::any_of(taken.begin(), taken.end(),
                     [&](const std::string& name) { return name.rfind(stem + ".", 0) == 0; });
}

std::string describe(const CompressionSettings& settings) {
  if (settings.compression == Compression::none) return "none";
  return fmt::format("{} level {}", to_string(settings.compression), settings.level);
}

std::string describe_order(const BackupPlan& plan) {
  std::string text = plan.wishes.with_globals ? "write roles and tablespaces beside it, " : "";
  if (plan.locks_first) {
    text += fmt::format("lock every table (ACCESS SHARE, up to {}), take the snapshot", plan.wishes.lock_timeout);
  } else {
    text += "take the snapshot, compare every table's storage and definition with it after the dump (too many to lock)";
  }
  return text;
}

void check_space(const BackupFacts& facts, const std::filesystem::path& folder) {
  // A dump in zstd is rarely below a tenth of the database's size on disk (indexes are not in it), so less than that
  // cannot do.
  const Bytes least = facts.server.database->size_bytes / 10;
  if (!facts.free_bytes || *facts.free_bytes >= least) return;
  throw Error{
      Failure::storage, fmt::format("too little space at \"{}\"", folder.string()),
      fmt::format("{} free; the database has {}, and its backup needs about {} at the least.",
                  human_size(*facts.free_bytes), human_size(facts.server.database->size_bytes), human_size(least)),
      "Free some space, or choose another folder with --output-path or --backup-path."};
}

}  // namespace

std::string name_prefix(Scope scope) { return scope == Scope::whole ? "backup_" : to_string(scope) + "_backup_"; }

std::string archive_name(const std::string& database, TimePoint now, const BackupWishes& wishes,
                         const std::vector<std::string>& taken) {
  const std::string stem = fmt::format("{}{}_{}", name_prefix(wishes.scope), encoded(database), archive_stamp(now));
  std::string name = stem;
  for (int n = 2; is_taken(taken, name); ++n) name = fmt::format("{}_{}", stem, n);
  return name + "." + extension(wishes);
}

BackupPlan plan_backup(const BackupWishes& wishes, const BackupFacts& facts) {
  if (!facts.server.database) {
    throw Error{Failure::refused,
                fmt::format("there is no database \"{}\" on this server", facts.url.database),
                {},
                "Correct the name in the URL."};
  }
  if (facts.preflight) {
    check_rights(*facts.preflight, wishes.scope);
    check_lock_table(facts.preflight->locks, wishes.scope);
  }
  check_space(facts, wishes.folder);
  return {.url = facts.url,
          .source = facts.source,
          .wishes = wishes,
          .server = facts.server,
          .pg_dump = facts.pg_dump,
          .pg_restore = facts.pg_restore,
          .pg_dumpall = facts.pg_dumpall,
          .maintenance = facts.maintenance,
          .locks_first = !facts.preflight || facts.preflight->locks.tables_can_be_locked_before(),
          .file_name = archive_name(facts.url.database, facts.now, wishes, facts.names_in_folder)};
}

Result show_plan(const BackupPlan& plan) {
  const DatabaseProperties& database = *plan.server.database;
  const std::string text = fmt::format(
      "{}\n"
      "Would back up {} of database ({} {}) to\n  {}\n"
      "  {}, dump{}\n"
      "  compress with {}, decode again, verify to level {}, write the manifest last\n"
      "Nothing was changed.\n",
      describe_target(plan.server, plan.url.database, plan.source), human_size(database.size_bytes),
      plan.pg_dump.path.string(), plan.pg_dump.version, plan.archive().string(), describe_order(plan),
      plan.wishes.scope == Scope::whole ? ", hash every row" : " the definitions only",
      describe(plan.wishes.compression), to_string(plan.wishes.level));
  return {text,
          {{"dry_run", true},
           {"database", plan.url.database},
           {"archive", plan.archive().string()},
           {"database_bytes", database.size_bytes},
           {"pg_dump", plan.pg_dump.path.string()},
           {"format", to_string(plan.wishes.format)},
           {"scope", to_string(plan.wishes.scope)},
           {"level", to_string(plan.wishes.level)}}};
}

}  // namespace belay
