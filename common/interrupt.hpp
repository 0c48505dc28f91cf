// SIGINT, SIGTERM and SIGHUP set a flag; loops ask. Nothing else ever happens in a signal handler.
#pragma once

namespace belay {

/// Installs the handlers (SIGINT, SIGTERM, SIGHUP; SIGPIPE is ignored). Called once, by run_tool.
void catch_interrupts();
/// True once a signal came in, unless an InterruptShield stands.
[[nodiscard]] bool interrupted();
/// Throws Failure::interrupted if interrupted().
void throw_if_interrupted();

/// While one stands, a signal is remembered but not acted on: putting a database back is not stopped half-way.
class InterruptShield {
 public:
  InterruptShield();
  ~InterruptShield();
  InterruptShield(const InterruptShield&) = delete;
  InterruptShield& operator=(const InterruptShield&) = delete;
};

/// True if a signal came in at any time, shield or not.
[[nodiscard]] bool interrupt_pending();

}  // namespace belay
