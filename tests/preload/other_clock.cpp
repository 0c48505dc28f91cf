// Loaded in front of libc (LD_PRELOAD): a program's clock is BELAY_CLOCK_SHIFT seconds ahead, or behind if negative.
// What measures durations goes on as before.
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

namespace {

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

time_t shift() {
  const char* seconds = ::getenv("BELAY_CLOCK_SHIFT");
  return seconds == nullptr ? 0 : static_cast<time_t>(::atol(seconds));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) {
  const int result = real<int (*)(clockid_t, timespec*)>("clock_gettime")(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return result;
}

int gettimeofday(timeval* now, void* zone) {
  const int result = real<int (*)(timeval*, void*)>("gettimeofday")(now, zone);
  if (result == 0) now->tv_sec += shift();
  return result;
}

time_t time(time_t* out) {
  const time_t now = real<time_t (*)(time_t*)>("time")(nullptr) + shift();
  if (out != nullptr) *out = now;
  return now;
}

}  // extern "C"
