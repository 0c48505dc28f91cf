// A run's report on a terminal.
#pragma once
#include <string>

#include "common/output.hpp"

namespace belay {

/// Pure; copes with whatever is missing. Sections with nothing in them are left out: the page has them all.
[[nodiscard]] std::string report_text(const Json& report);

}  // namespace belay
