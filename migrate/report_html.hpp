// A run's report as one page that needs nothing else: no script, no font, no picture from anywhere. For a screen and
// for A4.
#pragma once
#include <string>

#include "common/output.hpp"

namespace belay {

/// Pure. Copes with whatever is missing; everything in `report` is text and never markup.
[[nodiscard]] std::string report_html(const Json& report);

}  // namespace belay
