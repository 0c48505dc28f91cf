// The checklist before a migration, done by the machine: what is as it should be, what the operator should know, and
// what stops the run. Pure; the facts are read by preflight_facts.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/output.hpp"

namespace belay {

enum class CheckState { ok, warn, fail };

struct Check {
  std::string name;
  CheckState state = CheckState::ok;
  std::string text;
  std::string fix;  ///< what to type or change; empty = nothing to do
};

struct PreflightFacts {
  std::string server;   ///< version, host, database, role and its rights, in a line
  std::string pg_dump;  ///< path and version; empty = none fits
  std::string pg_dump_problem;
  std::vector<std::string> edited;          ///< applied migrations whose files were changed since
  std::vector<std::string> edited_allowed;  ///< --allow-edited
  std::string history_problem;              ///< what a deploy would be refused for
  std::string history_fix;
  std::size_t pending = 0;
  std::string tried_before;          ///< pending migrations whose last run was put back, and that are unchanged
  std::optional<std::size_t> drift;  ///< objects that differ from what the folder makes; none = not compared
  std::string drift_why_not;         ///< why it was not compared
  bool fail_on_drift = false;
  std::vector<std::string> sessions;  ///< others on the target: application, role, host, since when idle
  std::vector<std::string> long_transactions;
  std::vector<std::string> obstacles;  ///< why it could not be put back
  std::vector<std::string> kept;       ///< databases kept from earlier runs
  std::size_t keep = 1;                ///< so many may be
  bool put_back_wanted = true;
  bool skip_backup = false, no_put_back = false;
  bool decides_by_itself = false;  ///< --force without --read-only and --on-lost-writes
  Bytes size = 0;
  std::optional<Bytes> free;  ///< on the server
  std::optional<Bytes> catalogue_free;
  std::vector<std::string> replicas;
  std::vector<std::string> invalid_indexes, unvalidated_constraints;
  std::string catalogue;
  bool catalogue_on_server_host = false, catalogue_in_container = false;
  bool copied_elsewhere = false, require_offsite = false;
  bool retention = false;
  std::string log_settings;
  bool statement_statistics = false;        ///< pg_stat_statements is there
  std::vector<std::string> missing_rights;  ///< statements that grant what the pending migrations need
  std::string rehearsal;                    ///< how it is done; empty = it is not
  std::string rehearsal_why_not;
  bool rehearsal_refused = false;         ///< it has to be said whether it is done
  std::vector<std::string> lock_holders;  ///< of the run lock and Prisma's
  std::optional<std::string> window;
  std::string outside_window;  ///< why it must not run now; empty = it may
  /// belay.toml's [checklist]: what is to be done, and whether somebody said that it is.
  std::vector<std::pair<std::string, bool>> people;
  bool nobody_to_ask = false;  ///< --force
  bool dry_run = false;        ///< which is not the run that the window and the checklist are about
};

[[nodiscard]] std::vector<Check> judge_preflight(const PreflightFacts& facts);
[[nodiscard]] bool any_failed(const std::vector<Check>& checks);
/// A table, a line each, with what to do below.
[[nodiscard]] std::string describe_checks(const std::vector<Check>& checks);
[[nodiscard]] Json to_json(const std::vector<Check>& checks);
[[nodiscard]] std::string to_string(CheckState state);

}  // namespace belay
