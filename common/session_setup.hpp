// What every session and every child of belay sets before its first statement, in the two forms that they need: SET and
// PGOPTIONS.
#pragma once
#include <string>

#include "common/connection.hpp"

namespace belay {

/// SET statements for a new session.
[[nodiscard]] std::string session_setup(const SessionSettings& settings, int server_version);
/// RESET of everything that session_setup sets.
[[nodiscard]] std::string session_reset(const SessionSettings& settings, int server_version);
/// The same as session_setup as `-c name=value …` for PGOPTIONS.
[[nodiscard]] std::string session_options(const SessionSettings& settings, int server_version);

/// The error for a failed connection: where the URL points, what usually is wrong, Prisma's code. Never the password.
[[nodiscard]] Error connection_error(const DatabaseUrl& url, const std::string& libpq_says);

}  // namespace belay
