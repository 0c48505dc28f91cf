// A command of the operator's that works on the database: a health check, a deploy by another tool. Given to `sh -c`,
// in a process group of its own, with the database's URL in its environment and nowhere else.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/run_tool.hpp"
#include "common/target.hpp"

namespace belay {

/// What such a command is given, and what nobody may read in what it prints.
struct CommandSetting {
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<std::string> secrets;
};

/// DATABASE_URL and, where it was given, DIRECT_URL as the operator gave them, so that Prisma's own parameters are
/// there; BELAY_TOOL, BELAY_RUN, BELAY_DATABASE. `server_options`: added to the URLs' options=, e.g. "-c
/// default_transaction_read_only=off".
[[nodiscard]] CommandSetting command_setting(const DatabaseTarget& target, const Tool& tool,
                                             const std::string& server_options = {});

/// `target` with another database of the same server in its URLs, as they were given.
[[nodiscard]] DatabaseTarget with_database(DatabaseTarget target, const std::string& database);

/// The application_name of sessions that a deploying command makes: "belay/<run>/command".
[[nodiscard]] std::string command_application_name(const Tool& tool);

/// The same, with the URLs' application_name= set to that: sessions that the command leaves on the server, which may be
/// about to commit, can be told from others' and ended, by this run and by `recover`.
[[nodiscard]] CommandSetting deploying_setting(const DatabaseTarget& target, const Tool& tool,
                                               const std::string& server_options = {});

/// `text` with every secret, and every password in a URL, as ***.
[[nodiscard]] std::string masked(std::string text, const std::vector<std::string>& secrets);

/// `url` with the parameter: replaced if it is there; options= is added to what is there.
[[nodiscard]] std::string with_url_parameter(const std::string& url, const std::string& key, const std::string& value);

/// What such a command has started may live for so long after belay died: its supervisor looks every second.
constexpr std::chrono::milliseconds command_outlives_belay{2500};

/// Runs it to its end, or to `limit`. What it prints, on either stream, goes to `line` line by line, masked. Throws
/// failed if it does not end in time, and interrupted; both stop the whole group.
Exit run_operator_command(const std::string& command, const CommandSetting& setting,
                          std::optional<std::chrono::milliseconds> limit,
                          const std::function<void(const std::string&)>& line, Tool& tool);

}  // namespace belay
