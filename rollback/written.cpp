#include "rollback/written.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/files.hpp"
#include "common/pending_file.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

/// Throws refused where it could not be said afterwards how far it has come.
bool needs_steps(const WrittenReversal& written) {
  const Script script = parse_script(written.sql);
  if (script.atomic()) return false;
  const bool controls = std::any_of(script.statements.begin(), script.statements.end(),
                                    [](const Statement& statement) { return statement.transaction_control; });
  if (script.parsed && !controls) return true;
  throw Error{Failure::refused, fmt::format("\"{}\" cannot be run as a reversal", written.file.string()),
              script.parsed ? "It holds transaction control." : script.parse_error,
              "Leave out BEGIN and COMMIT: the reversal and the history are written in one transaction, or, where a "
              "statement does not let them (CONCURRENTLY), statement by statement."};
}

}  // namespace

fs::path folder_of(const Migration& migration) { return migration.file.parent_path(); }

std::optional<WrittenReversal> find_written(const JoinedMigration& migration, const std::optional<fs::path>& named) {
  const bool gone = !migration.local || !migration.local->script;
  if (gone && !named) {
    throw Error{
        Failure::refused,
        fmt::format("the folder of migration \"{}\" is gone, so what it did is not known", migration.name),
        {},
        "Put it back from version control; or give its reversal with --down FILE, which is then proven on a copy "
        "of the database; or go back to a backup with --restore-backup."};
  }
  if (gone) {
    WrittenReversal written{*named, read_small_file(*named, longest_down)};
    written.in_steps = needs_steps(written);
    return written;
  }
  const fs::path usual = folder_of(*migration.local) / "down.sql";
  if (!named && !is_there(usual)) return std::nullopt;
  const fs::path file = named.value_or(usual);
  WrittenReversal written{file, read_small_file(file, longest_down)};
  written.in_steps = needs_steps(written);
  return written;
}

fs::path write_down(const Migration& migration, const ProofResult& proof, Files& files) {
  if (proof.script.empty() || proof.statements.empty())
    throw Error{Failure::refused, "there is nothing to write down: the migration left nothing in the schema"};
  std::string text = fmt::format("-- Takes migration {} back.\n", migration.name);
  for (const DataChange& change : proof.data)
    text += fmt::format("-- Not in here: {}{}\n",
                        change.line > 0 ? fmt::format("line {} of the migration: ", change.line) : "", change.what);
  const fs::path file = folder_of(migration) / "down.sql";
  PendingFile pending{files, file, PendingFile::Existing::refuse};
  pending.write(as_bytes(text + "\n" + proof.script));
  pending.commit();
  return file;
}

}  // namespace belay
