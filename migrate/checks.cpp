#include "migrate/checks.hpp"

namespace belay {

namespace {

CountSettings of_a_copy(CountSettings settings) {
  settings.copy_of_backup = true;
  return settings;
}

}  // namespace

CopyChecks::CopyChecks(const Checks& checks, Connection& copy, const Manifest& backup)
    : checks_(checks), before_(read_tables_before(copy, of_a_copy(checks.counts), &backup)) {}

std::vector<std::string> CopyChecks::findings(Connection& copy) const {
  std::vector<std::string> all = run_verify_sql(copy, checks_.sql);
  const Losses losses = find_losses(count_after(copy, before_, checks_.taken, checks_.counts).tables);
  all.insert(all.end(), losses.critical.begin(), losses.critical.end());
  all.insert(all.end(), losses.others.begin(), losses.others.end());
  return all;
}

}  // namespace belay
