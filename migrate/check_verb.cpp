#include "migrate/check_verb.hpp"

#include <fmt/format.h>

#include "common/history_rights.hpp"
#include "migrate/diff.hpp"
#include "migrate/preflight_facts.hpp"
#include "migrate/read_history.hpp"

namespace belay {

namespace {

class CheckRun {
 public:
  CheckRun(const MigrateOptions& options, Tool& tool)
      : options_(options),
        tool_(tool),
        folder_(options.check_connection ? std::filesystem::path{} : migrations_folder(options.common)),
        context_(open_run(tool, options.common,
                          options.check_connection ? std::optional<std::filesystem::path>{} : std::optional{folder_})) {
  }

  int run() {
    if (!context_.server.database)
      throw Error{Failure::refused,
                  fmt::format("there is no database \"{}\" on this server (P1003)", context_.database()),
                  {},
                  "Create it, or correct its name in the URL."};
    if (options_.check_connection) return show_connection();
    warn_of_unfinished(context_.sides, tool_.out);
    Connection db{context_.target.url, context_.database(), tool_.session()};
    MigrationPlan plan;
    PreflightFacts facts = look(db, plan);
    const std::vector<Check> checks = judge_preflight(facts);
    std::string text = describe_checks(checks);
    text += any_failed(checks) ? "\nA guarded run would be refused.\n" : "\nNothing here stops a guarded run.\n";
    tool_.out.result(
        {text, {{"ok", !any_failed(checks)}, {"database", context_.database()}, {"checks", to_json(checks)}}});
    return any_failed(checks) ? static_cast<int>(Failure::answer_no) : 0;
  }

 private:
  int show_connection() {
    const std::string line = describe_connection(context_);
    tool_.out.result({line + "\n", {{"ok", true}, {"database", context_.database()}, {"connection", line}}});
    return 0;
  }

  PreflightFacts look(Connection& db, MigrationPlan& plan) {
    std::string problem, fix;
    RehearsalChoice choice;
    std::string refused;
    try {
      check_history_rights(db, context_.history_schema, HistoryAccess::read);
      const MigrationsFolder folder = read_migrations(folder_);
      plan = plan_migrations({folder, read_history(db, context_.history_schema),
                              foreign_tables_before_history(db, context_.history_schema)});
    } catch (const Error& error) {
      if (error.kind != Failure::refused) throw;
      problem = error.message;
      fix = error.hint;
    }
    try {
      choice = choose_rehearsal(options_, context_, plan, tool_);
    } catch (const Error& error) {
      refused = error.message + ": " + error.detail;
    }
    PreflightFacts facts = read_preflight_facts(
        {.options = options_,
         .context = context_,
         .db = db,
         .plan = plan,
         .catalogue =
             std::filesystem::absolute(options_.backup_path.value_or("./backups/pre-migration")).lexically_normal(),
         .choice = choice},
        tool_);
    facts.history_problem = problem;
    facts.history_fix = fix;
    if (!refused.empty()) {
      facts.rehearsal_refused = true;
      facts.rehearsal_why_not = refused;
    }
    find_drift(options_, facts);
    return facts;
  }

  void find_drift(const MigrateOptions& options, PreflightFacts& facts) {
    try {
      facts.drift = count_drift(options, tool_, nullptr);
    } catch (const Error& error) {
      if (error.kind == Failure::interrupted) throw;
      facts.drift_why_not = error.message;
    }
  }

  const MigrateOptions& options_;
  Tool& tool_;
  std::filesystem::path folder_;
  RunContext context_;
};

}  // namespace

int run_check(const MigrateOptions& options, Tool& tool) { return CheckRun{options, tool}.run(); }

}  // namespace belay
