// Which database a run is about, and from where that is known: --database-url, else DATABASE_URL of the environment,
// else exactly one .env file. Nothing is guessed: where two sources disagree, the run ends before it connects anywhere.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/database_url.hpp"
#include "common/options.hpp"

namespace belay {

struct DatabaseTarget {
  DatabaseUrl url;
  std::string source;                 ///< "--database-url", "environment DATABASE_URL", "file /x/.env"; never a value
  std::vector<std::string> warnings;  ///< the URL's own and the search's, a sentence each
  /// Both URLs as they were given, passwords included: for the environment of a child that works on the database, and
  /// for nothing else.
  std::string given_database_url = {};
  std::optional<std::string> given_direct_url = {};
};

/// Where a tool was started. A seam: tests use their own.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::filesystem::path folder;
};

/// This process's environment and current folder.
[[nodiscard]] Surroundings real_surroundings();

/// `migrations_folder`: if already known, the .env beside its parent counts too. DIRECT_URL of the same source is taken
/// instead of DATABASE_URL, as Prisma's directUrl, but only if it names the same database. --connect-timeout is put
/// into the URL. Throws usage; values are never shown.
[[nodiscard]] DatabaseTarget resolve_target(const CommonOptions& options, const Surroundings& surroundings,
                                            const std::optional<std::filesystem::path>& migrations_folder);

/// The server where side databases are made: `option` (--side-server), else SHADOW_DATABASE_URL; none = the target's
/// own. Throws usage.
[[nodiscard]] std::optional<DatabaseTarget> find_side_server(const std::optional<std::string>& option,
                                                             const Surroundings& surroundings);

/// Production is assumed unless the option `environment`, BELAY_ENV or NODE_ENV says development, test or staging.
/// belay's own two words come before NODE_ENV (staging hosts run Node with NODE_ENV=production); where those two
/// disagree it is production.
[[nodiscard]] bool is_production(const Surroundings& surroundings,
                                 const std::optional<std::string>& environment_option);

}  // namespace belay
