#include <fmt/format.h>

#include "common/fault_point.hpp"
#include "migrate/check.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/writes.hpp"
#include "restore/writes.hpp"

namespace belay {

/// Counting reads whole tables, so it is done only where it can find something: in all of them if somebody else was at
/// work since the snapshot.
void Guard::count_others_writes() {
  if (!rope_.manifest) return;
  constexpr std::int64_t of_pg_dump = 1;
  const Strangers strangers = find_strangers(context_.maintenance, context_.database(), before_backup_,
                                             sessions_made(context_.database()) - before_backup_.own + of_pg_dump);
  for (const TableWrites& table :
       count_writes_since(books(), *rope_.manifest, strangers.any() ? Tables::all : Tables::moved))
    rope_.record.others_wrote.push_back("between backup and deploy, by others: " + table.describe());
  rope_.others_before = rope_.record.others_wrote;
}

/// The marker says "deploying", with everything recover needs, before the first statement. Died here: the history says
/// which migrations are whole.
void Guard::deploy_pending(Journal& journal) {
  tool_.out.heading("Step 3: Running Database Migration");
  std::optional<Connection> db;
  try {
    rope_.record.then = look_at_sessions(context_.maintenance, context_.database());
    count_others_writes();
    for (const std::string& line : rope_.record.others_wrote) {
      tool_.out.warn("putting back would lose what others wrote since the backup; " + line);
    }
    SessionSettings session = tool_.session();
    session.keep_timeouts = true;
    db.emplace(context_.target.url, context_.database(), session);
    db->check_alive();  // so that the statistics know of this session before sessions are counted
    rope_.record.invalid_before = invalid_indexes(books());
    rope_.marker.details = to_json(rope_.record);
    set_step("deploying");
    journal.record("deploying");
  } catch (const std::exception&) {
    abandon(std::current_exception());
  }
  journal.go_on_without();  // from here on the run ends in order, whatever the disk says
  try {
    if (plan_.creates_history) create_history_table(books(), rope_.record.schema);
    deployed_ = deploy(plan_, deploy_settings(context_, options_, tool_), *db, books(), tool_, &journal);
  } catch (const Error& error) {
    deployed_.failure = error;
  }
}

void Guard::verify() {
  tool_.out.heading("Step 4: Verifying Migration Success");
  fault_point("guard: deployed");
  try {
    std::vector<std::string> findings = verify_deployed(books(), rope_.record);
    if (rehearsal_) {
      for (std::string& line : differs_from_rehearsed(books(), *rehearsal_, rope_.record.schema))
        findings.push_back(std::move(line));
    }
    if (!findings.empty()) {
      std::string text;
      for (const std::string& finding : findings) text += finding + "\n";
      deployed_.failure =
          Error{Failure::failed, "the migrations ran, but the database did not pass verification", text};
      return;
    }
    tool_.out.note("Migration verification successful!");
  } catch (const Error& error) {
    deployed_.failure = error;
  }
}

}  // namespace belay
