// `--window 02:00-04:00 Europe/Berlin`: when a guarded run may touch its database.
#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/connection.hpp"

namespace belay {

struct Window {
  std::chrono::minutes from{}, to{};  ///< of the day; a `to` before `from` is the next day's
  std::string zone;                   ///< as PostgreSQL knows it; empty = this host's
};

/// FROM-TO with two digits each, then perhaps a zone, in brackets or not. None: it is not of that form, or FROM is TO.
[[nodiscard]] std::optional<Window> parse_window(const std::string& text);

/// For how long it is still open at that second of the day; none = it is closed. Pure.
[[nodiscard]] std::optional<std::chrono::seconds> open_for(const Window& window, std::chrono::seconds of_day);

/// Second of the day, there. The server converts to a zone of the window's; this host's clock says when "now" is.
/// Throws refused for a zone that the server does not know.
[[nodiscard]] std::chrono::seconds second_of_day(const Window& window, TimePoint now, Connection& db);

/// Why a run that would take `needs` from now on must not begin; empty if it may, or without a window.
[[nodiscard]] std::string outside_window(const std::optional<std::string>& window, std::chrono::seconds needs,
                                         TimePoint now, Connection& db);

}  // namespace belay
