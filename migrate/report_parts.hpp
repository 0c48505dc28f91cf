// What the sections of report.html share, and the longest of them.
#pragma once
#include <string>

#include "common/output.hpp"

namespace belay {

/// A state as a sign, a word and a colour: "✓ done". The sign and the word say it without the colour.
[[nodiscard]] std::string state_tag(const std::string& state);
[[nodiscard]] std::string quiet_sentence(const std::string& sentence);

/// Each migration with its statements, as rehearsed and as they ran.
[[nodiscard]] std::string migrations_html(const Json& report);
/// Which locks were held when, as a picture.
[[nodiscard]] std::string locks_html(const Json& report);

}  // namespace belay
