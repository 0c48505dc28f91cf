// Whether the application is well, asked of the application: a URL that has to answer, a command that has to succeed.
// Asked before the run, so that what was broken already is not laid at the migrations' door, and after the deploy.
#pragma once
#include <optional>
#include <string>

#include "common/options.hpp"
#include "migrate/operator_command.hpp"

namespace belay {

struct HealthOptions {
  std::optional<std::string> command, url;
  std::optional<int> status;                     ///< the only good one; none = 200 to 299
  std::optional<int> retries;                    ///< further tries after a bad one; none = 5
  std::optional<std::string> interval, timeout;  ///< between tries (2s); of one try (10s)
  std::optional<std::string> watch;              ///< how long it must stay good after the deploy
  [[nodiscard]] bool any() const { return command || url; }
};

/// --health-check, --health-command and what belongs to them.
void add_health_options(OptionSet& set, HealthOptions& options);
/// Throws usage: a URL that is none, is neither http nor https, or holds a password; an option without a check.
void check_health_options(const HealthOptions& options);

/// As it may be shown: without user, password and query.
[[nodiscard]] std::string shown_health_url(const std::string& url);

class HealthCheck {
 public:
  HealthCheck(HealthOptions options, CommandSetting setting, Tool& tool);
  /// Asks until it is good, or the last try was bad; each bad one is told in a line. None = good; else what was asked,
  /// what came of it, how often and for how long. Throws interrupted.
  [[nodiscard]] std::optional<std::string> failure();
  /// Asks again and again for as long as --watch says. None at once if it was not given.
  [[nodiscard]] std::optional<std::string> failure_while_watched();
  [[nodiscard]] bool asked() const { return options_.any(); }

 private:
  [[nodiscard]] std::optional<std::string> try_once();
  [[nodiscard]] std::optional<std::string> try_url() const;
  [[nodiscard]] std::optional<std::string> try_command();
  HealthOptions options_;
  CommandSetting setting_;
  Tool& tool_;
};

}  // namespace belay
