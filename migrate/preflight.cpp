#include "migrate/preflight.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace belay {

namespace {

std::string joined(const std::vector<std::string>& lines) { return fmt::format("{}", fmt::join(lines, "; ")); }

std::string number_of(std::size_t n, const std::string& what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

Check check(const char* name, CheckState state, std::string text, std::string fix = {}) {
  return {name, state, std::move(text), std::move(fix)};
}

Check of_list(const char* name, const std::vector<std::string>& list, const char* none, std::string fix) {
  if (list.empty()) return check(name, CheckState::ok, none);
  return check(name, CheckState::warn, joined(list), std::move(fix));
}

Check history(const PreflightFacts& f) {
  if (!f.history_problem.empty()) return check("history", CheckState::fail, f.history_problem, f.history_fix);
  std::vector<std::string> not_allowed;
  for (const std::string& name : f.edited) {
    if (std::find(f.edited_allowed.begin(), f.edited_allowed.end(), name) == f.edited_allowed.end())
      not_allowed.push_back(name);
  }
  if (!not_allowed.empty())
    return check("history", CheckState::fail, "edited after it was applied: " + joined(not_allowed),
                 "Take the edit back, and write a new migration instead; or say --allow-edited NAME for each.");
  if (!f.edited.empty())
    return check("history", CheckState::warn, "edited after it was applied, and allowed: " + joined(f.edited));
  return check("history", CheckState::ok, number_of(f.pending, "pending migration") + ", none failed, none edited");
}

Check tried_before(const PreflightFacts& f) {
  if (f.tried_before.empty())
    return check("tried before", CheckState::ok, "no pending migration was put back unchanged");
  return check("tried before", CheckState::fail, f.tried_before, "Correct it, or say --again.");
}

Check kept(const PreflightFacts& f) {
  if (f.kept.empty()) return check("kept", CheckState::ok, "no database is kept from an earlier run");
  return check("kept", f.put_back_wanted && f.kept.size() >= f.keep ? CheckState::fail : CheckState::ok, joined(f.kept),
               "restore-database drop NAME, when it is no longer needed; or --keep N.");
}

Check drift(const PreflightFacts& f) {
  if (!f.drift)
    return check("drift", f.fail_on_drift ? CheckState::fail : CheckState::warn, "not compared: " + f.drift_why_not);
  if (*f.drift == 0) return check("drift", CheckState::ok, "the live schema is what the applied migrations make");
  return check("drift", f.fail_on_drift ? CheckState::fail : CheckState::warn,
               number_of(*f.drift, "object") + " of the live schema differ from what the applied migrations make",
               "migrate-production diff lists them.");
}

/// A line each, to be copied as they are: some end in a comment.
Check rights(const PreflightFacts& f) {
  if (f.missing_rights.empty())
    return check("rights", CheckState::ok, "the role may do what the pending migrations do");
  return check("rights", CheckState::fail, fmt::format("{}", fmt::join(f.missing_rights, "\n")),
               "Let a role that may run these statements.");
}

Check put_back(const PreflightFacts& f) {
  if (!f.obstacles.empty())
    return check("put back", f.put_back_wanted ? CheckState::fail : CheckState::warn,
                 "this database could not be put back: " + joined(f.obstacles),
                 f.put_back_wanted ? "Resolve these points first; --no-put-back goes on all the same." : "");
  if (f.skip_backup)
    return check("put back", CheckState::warn, "what is committed could not be put back: no backup is taken");
  if (f.no_put_back) return check("put back", CheckState::warn, "it would not be put back: --no-put-back");
  if (f.decides_by_itself && !f.sessions.empty())
    return check("put back", CheckState::warn,
                 "others are at work, so after a failure it may stop with 7 rather than lose what they wrote",
                 "--read-only asks them not to write; --on-lost-writes restore puts it back all the same.");
  return check("put back", CheckState::ok, "this database could be put back now");
}

Check space(const PreflightFacts& f) {
  if (!f.free)
    return check(
        "space", CheckState::warn,
        fmt::format("the database has {}; how much is free on its server is not known from here", human_size(f.size)));
  return check("space", *f.free < 2 * f.size ? CheckState::warn : CheckState::ok,
               fmt::format("the database has {}, {} are free on its server", human_size(f.size), human_size(*f.free)));
}

Check catalogue(const PreflightFacts& f) {
  if (f.skip_backup)
    return check("backup place", f.require_offsite ? CheckState::fail : CheckState::warn,
                 "no backup is taken: --skip-backup",
                 f.require_offsite ? "Leave out --skip-backup, or --require-offsite." : "");
  if (f.copied_elsewhere) return check("backup place", CheckState::ok, f.catalogue + ", and a copy elsewhere");
  const CheckState worst = f.require_offsite ? CheckState::fail : CheckState::warn;
  const std::string fix = "Name a place for a copy with --copy-to, or a volume that stays with --backup-path.";
  if (f.catalogue_in_container)
    return check("backup place", worst, f.catalogue + " is on a container's own layer, which goes away with it", fix);
  if (f.catalogue_on_server_host)
    return check("backup place", worst, f.catalogue + " is on the database server's own host", fix);
  if (f.require_offsite) return check("backup place", CheckState::fail, "no copy elsewhere is asked for", fix);
  return check("backup place", CheckState::ok, f.catalogue);
}

Check rehearsal(const PreflightFacts& f) {
  if (!f.rehearsal.empty()) return check("rehearsal", CheckState::ok, f.rehearsal);
  return check("rehearsal", f.rehearsal_refused ? CheckState::fail : CheckState::warn, f.rehearsal_why_not,
               f.rehearsal_refused ? "Say --rehearse, --side-server URL, or --no-rehearse." : "");
}

Check window(const PreflightFacts& f) {
  if (f.outside_window.empty()) return check("window", CheckState::ok, *f.window + " is open");
  return check("window", f.dry_run ? CheckState::warn : CheckState::fail,
               fmt::format("{} is not open: {}", *f.window, f.outside_window),
               "Run again inside it, or leave out --window.");
}

Check people(const PreflightFacts& f) {
  std::string text;
  bool open = false;
  for (const auto& [point, done] : f.people) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", done ? "done" : "open", point);
    open = open || !done;
  }
  if (!open) return check("checklist", CheckState::ok, text);
  return check("checklist", f.nobody_to_ask && !f.dry_run ? CheckState::fail : CheckState::warn, text,
               "--checklist-done NAME says that one is done; without --force a run on a terminal asks.");
}

/// Further lines under the first, in the table's last column.
std::string below(const std::string& lines) {
  std::string text;
  for (const char c : lines) text += c == '\n' ? fmt::format("\n{:<20}", "") : std::string(1, c);
  return text;
}

}  // namespace

std::string to_string(CheckState state) {
  return state == CheckState::ok ? "ok" : state == CheckState::warn ? "warn" : "fail";
}

std::vector<Check> judge_preflight(const PreflightFacts& f) {
  std::vector<Check> checks;
  checks.push_back(check("server", CheckState::ok, f.server));
  if (f.pg_dump.empty()) {
    checks.push_back(check("pg_dump", CheckState::fail, f.pg_dump_problem,
                           "Install the server's major version's client programs, or name them with --pg-bin."));
  } else {
    checks.push_back(check("pg_dump", CheckState::ok, f.pg_dump));
  }
  checks.push_back(history(f));
  checks.push_back(tried_before(f));
  checks.push_back(drift(f));
  checks.push_back(rights(f));
  checks.push_back(f.sessions.empty() ? check("sessions", CheckState::ok, "nobody else is connected")
                                      : check("sessions", CheckState::ok, joined(f.sessions)));
  checks.push_back(of_list("transactions", f.long_transactions, "none is open for long",
                           "They hold up ALTER TABLE and CREATE INDEX CONCURRENTLY: let them end first."));
  checks.push_back(
      of_list("other runs", f.lock_holders, "nobody else deploys", "Wait for it, or use --wait-for-lock."));
  checks.push_back(put_back(f));
  checks.push_back(kept(f));
  checks.push_back(rehearsal(f));
  if (f.window) checks.push_back(window(f));
  if (!f.people.empty()) checks.push_back(people(f));
  checks.push_back(space(f));
  checks.push_back(
      of_list("replicas", f.replicas, "none", "Sessions there go on reading the old database after a swap."));
  checks.push_back(
      of_list("indexes", f.invalid_indexes, "none is invalid", "REINDEX INDEX CONCURRENTLY, or DROP INDEX."));
  checks.push_back(
      of_list("constraints", f.unvalidated_constraints, "all are validated", "ALTER TABLE … VALIDATE CONSTRAINT."));
  checks.push_back(catalogue(f));
  checks.push_back(f.retention
                       ? check("retention", CheckState::ok, "older backups before migrations go by the rules given")
                       : check("retention", CheckState::warn, "no rule: backups stay until somebody removes them",
                               "--retention-days N, or --retention standard."));
  checks.push_back(
      check("logs", CheckState::ok,
            f.log_settings + (f.statement_statistics ? ", pg_stat_statements is there" : ", no pg_stat_statements")));
  return checks;
}

bool any_failed(const std::vector<Check>& checks) {
  return std::any_of(checks.begin(), checks.end(), [](const Check& c) { return c.state == CheckState::fail; });
}

std::string describe_checks(const std::vector<Check>& checks) {
  std::string text;
  for (const Check& c : checks) {
    text += fmt::format("{:<4}  {:<13} {}\n", to_string(c.state), c.name, below(c.text));
    if (!c.fix.empty()) text += fmt::format("{:<20}→ {}\n", "", c.fix);
  }
  return text;
}

Json to_json(const std::vector<Check>& checks) {
  Json list = Json::array();
  for (const Check& c : checks)
    list.push_back({{"check", c.name}, {"state", to_string(c.state)}, {"text", c.text}, {"fix", c.fix}});
  return list;
}

}  // namespace belay
