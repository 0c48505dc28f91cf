// What a finished backup says of itself.
#pragma once
#include "backup/take.hpp"

namespace belay {

/// A few lines for people; everything for programs.
[[nodiscard]] Result show_report(const BackupReport& report);

}  // namespace belay
