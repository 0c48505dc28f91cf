#include "common/interrupt.hpp"

#include <csignal>

#include "common/error.hpp"

namespace belay {

namespace {
volatile std::sig_atomic_t signal_seen = 0;
int shields = 0;  // only the main thread raises and lowers shields

extern "C" void remember_signal(int number) { signal_seen = number; }
}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = remember_signal;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  // A child that stops reading, and a file that reaches the limit of `ulimit -f`, show as a write error with a message.
  for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_IGN);
}

bool interrupt_pending() { return signal_seen != 0; }
bool interrupted() { return signal_seen != 0 && shields == 0; }

void throw_if_interrupted() {
  if (!interrupted()) return;
  throw Error{Failure::interrupted, signal_seen == SIGINT ? "interrupted" : "stopped by a signal"};
}

InterruptShield::InterruptShield() { ++shields; }
InterruptShield::~InterruptShield() { --shields; }

}  // namespace belay
