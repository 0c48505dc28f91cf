// How the parts of the plain-dump reader refuse a line.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace belay {

/// Throws Failure::refused: `line` of the dump (1-based) is not fed to psql. `why` is a sentence.
[[noreturn]] void refuse_dump_line(std::uint64_t line, const std::string& why, const std::string& hint = {});

/// The beginning of `text` as it can be shown in one line.
[[nodiscard]] std::string shown_beginning(std::string_view text);

}  // namespace belay
