#include <fmt/format.h>

#include "common/fault_point.hpp"
#include "common/sql_text.hpp"
#include "migrate/check.hpp"
#include "migrate/deploy_command.hpp"
#include "migrate/guard_run.hpp"
#include "migrate/writes.hpp"

namespace belay {

namespace {

Json to_json(const RowCounts& counts) {
  Json all = Json::array();
  for (const RowCount& table : counts.tables)
    all.push_back({{"schema", table.schema},
                   {"table", table.name},
                   {"before", table.before},
                   {"after", table.after},
                   {"critical", table.critical}});
  return all;
}

}  // namespace

/// Everything that verification needs is there, and fits, before anything is begun.
void Guard::require_verifiable() {
  if (options_.deploy_command) require_deploying_command(*options_.deploy_command);
  checks_.counts = {.critical = options_.critical_table,
                    .schema = context_.history_schema,
                    .history_schema = rope_.record.schema,
                    .expected = options_.expect_loss};
  require_critical_tables(books(), checks_.counts);
  checks_.sql = read_verify_sql(plan_, {options_.verify_sql.begin(), options_.verify_sql.end()});
  if (context_.target.url.schema) checks_.sql.search_path = quote_identifier(*context_.target.url.schema);
  std::vector<const Script*> scripts;
  for (const PendingMigration& pending : plan_.pending) scripts.push_back(&pending.script);
  checks_.taken = taken_from(scripts);
}

/// What is broken already would be laid at the migrations' door.
void Guard::require_healthy() {
  HealthCheck health{options_.health, command_setting(context_.target, tool_), tool_};
  const std::optional<std::string> bad = health.failure();
  if (!bad) return;
  throw Error{Failure::refused, "the health check fails already before the run", *bad,
              "Nothing was changed. Mend the application or the check first; without --health-check and "
              "--health-command nobody asks."};
}

/// Died here: the marker says "deploying" and the history that all is applied; recover verifies what it can.
void Guard::verify() {
  tool_.out.heading("Step 4: Verifying Migration Success");
  report_.step_begun("Verify");
  fault_point("guard: deployed");
  try {
    std::vector<std::string> findings;
    find_problems(findings);
    if (!findings.empty()) {
      deployed_.failure =
          Error{Failure::failed, "the migrations ran, but the database did not pass verification", as_lines(findings)};
      return;
    }
    check_health_after();
    if (!deployed_.failure) tool_.out.note("Migration verification successful!");
  } catch (const Error& error) {
    deployed_.failure = error;
    deployed_.connection_lost = is_lost_connection(error);
  }
}

void Guard::find_problems(std::vector<std::string>& findings) {
  findings = verify_deployed(books(), rope_.record);
  for (const std::string& table : analyze_changed(books(), tables_before_)) tool_.out.note("Analyzed " + table);
  if (rehearsal_) {
    for (std::string& line : differs_from_rehearsed(books(), *rehearsal_, rope_.record.schema))
      findings.push_back(std::move(line));
  }
  compare_rows(findings);
  run_verify_files(findings);
}

void Guard::compare_rows(std::vector<std::string>& findings) {
  const RowCounts counts = count_after(books(), tables_before_, checks_.taken, checks_.counts);
  for (const std::string& why : counts.not_counted) tool_.out.warn("rows were not counted: " + why);
  if (const std::string critical = describe_critical(counts); !critical.empty()) tool_.out.note(critical);
  deployed_.row_counts = to_json(counts);
  tell_rows(counts);
  Losses losses = find_losses(counts.tables);
  if (!checks_.counts.critical.empty() && losses.critical.empty())
    deployed_.verified.emplace_back("no critical table lost a row");
  if (!losses.others.empty() && others_are_at_work()) {
    for (const std::string& line : losses.others) {
      tool_.out.warn("by others, who were at work, or by the run: " + line);
      deployed_.not_verified.push_back("by others, who were at work, or by the run: " + line);
    }
    losses.others.clear();
  }
  for (const std::string& why : counts.not_counted) deployed_.not_verified.push_back("not counted: " + why);
  losses.critical.insert(losses.critical.end(), losses.others.begin(), losses.others.end());
  if (!losses.critical.empty()) rope_.record.reversals.clear();  // no reversal gives these rows back
  findings.insert(findings.end(), losses.critical.begin(), losses.critical.end());
}

bool Guard::others_are_at_work() {
  const SessionsThen& then = rope_.record.then;
  return find_strangers(context_.maintenance, context_.database(), then, sessions_made(context_.database()) - then.own)
      .any();
}

void Guard::run_verify_files(std::vector<std::string>& findings) {
  if (checks_.sql.files.empty()) return;
  Connection db{context_.target.url, context_.database(), tool_.session()};
  for (std::string& line : run_verify_sql(db, checks_.sql)) findings.push_back(std::move(line));
  for (const VerifyFile& file : checks_.sql.files) deployed_.verified.push_back(file.name);
}

void Guard::check_health_after() {
  HealthCheck health{options_.health, command_setting(context_.target, tool_), tool_};
  if (!health.asked()) return;
  fault_point("guard: before health check");
  std::optional<std::string> bad = health.failure();
  if (!bad) bad = health.failure_while_watched();
  if (bad) {
    deployed_.failure = Error{Failure::failed, "the health check failed after the deploy", *bad};
  } else {
    deployed_.verified.emplace_back("the health check is good");
  }
}

}  // namespace belay
