// Named places where a test build can be made to die, so that a sweep can kill belay at every step.
//
// In a build with BELAY_FAULT_POINTS the environment steers it: BELAY_FAULT_TRACE=FILE appends "NUMBER NAME" for each
// point passed; BELAY_FAULT_KILL_AT=NUMBER kills the process with SIGKILL when it passes that point;
// BELAY_FAULT_KILL_NAME=NAME at the first of that name. In every other build the function is empty.
#pragma once
#include <string_view>

namespace belay {
#ifdef BELAY_FAULT_POINTS
void fault_point(std::string_view name);
#else
inline void fault_point(std::string_view) {}
#endif
}  // namespace belay
