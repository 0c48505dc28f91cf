#include "common/fault_point.hpp"

#ifdef BELAY_FAULT_POINTS
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace belay {

namespace {
void trace(long number, std::string_view name) {
  const char* file = std::getenv("BELAY_FAULT_TRACE");
  if (file == nullptr) return;
  if (std::FILE* out = std::fopen(file, "ae")) {
    std::fprintf(out, "%ld %.*s\n", number, static_cast<int>(name.size()), name.data());
    std::fclose(out);
  }
}
}  // namespace

void fault_point(std::string_view name) {
  static std::atomic<long> points{0};
  const long passed = ++points;
  trace(passed, name);
  const char* at = std::getenv("BELAY_FAULT_KILL_AT");
  const char* named = std::getenv("BELAY_FAULT_KILL_NAME");
  const bool here = (at != nullptr && std::atol(at) == passed) || (named != nullptr && name == named);
  if (here) std::raise(SIGKILL);
}

}  // namespace belay
#endif
