#include "migrate/read_history.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/history_rights.hpp"
#include "common/pooler.hpp"
#include "common/run_context.hpp"

namespace belay {

namespace {

/// A read that failed has changed nothing, so it is never "failed" or "unresolved".
[[noreturn]] void refuse_reading(const ServerError& error, const std::string& schema) {
  if (error.connection_lost)
    throw Error{Failure::connection, "lost the connection while reading the history", error.detail};
  throw Error{Failure::refused, fmt::format("could not read the history in schema \"{}\"", schema), error.detail,
              "Nothing was changed."};
}

}  // namespace

Connection connect_to_read(const DatabaseTarget& target, const Tool& tool) {
  try {
    return Connection{target.url, target.url.database, tool.session()};
  } catch (const Error& error) {
    if (error.message.find("P1003") == std::string::npos) throw;
    throw Error{Failure::refused, error.message, error.detail, error.hint};
  }
}

std::optional<std::filesystem::path> folder_if_found(const CommonOptions& options) {
  try {
    return migrations_folder(options);
  } catch (const Error& error) {
    if (error.kind != Failure::usage) throw;
    return std::nullopt;
  }
}

void warn_of_unfinished(const std::vector<SideDatabase>& sides, Output& out) {
  for (const SideDatabase& side : sides) {
    const bool begun =
        side.marker && side.marker->tool == "migrate-production" && side.marker->step != "prepared" && !side.kept();
    if (!begun || side.for_trial()) continue;
    out.warn(fmt::format(
        "run {} of {} on host {} is at work, or it died in step \"{}\". If it died, type `migrate-production recover` "
        "before anything is settled by hand",
        side.marker->run, side.marker->tool, side.marker->host, side.marker->step));
  }
}

HistoryReading read_history_only(Tool& tool, const CommonOptions& options,
                                 const std::optional<std::filesystem::path>& folder) {
  const DatabaseTarget target = resolve_target(options, real_surroundings(), folder);
  for (const std::string& warning : target.warnings) tool.out.warn(warning);
  HistoryReading reading{.database = target.url.database, .schema = target.url.schema.value_or("public")};
  Connection db = connect_to_read(target, tool);
  tool.out.note(fmt::format("Reading {} (from {})", target.url.describe(), target.source));
  try {
    Transaction reads{db, "ISOLATION LEVEL REPEATABLE READ READ ONLY"};
    check_history_rights(db, reading.schema, HistoryAccess::read);
    reading.history = read_history(db, reading.schema);
    reading.foreign_tables = foreign_tables_before_history(db, reading.schema);
    warn_of_unfinished(find_side_databases(db, reading.database), tool.out);
    reads.rollback();
    give_back_settings(db);  // one transaction is safe behind any pooler; only what the session set must not stay there
  } catch (const ServerError& error) {
    refuse_reading(error, reading.schema);
  }
  return reading;
}

}  // namespace belay
