// When a statement is worth another try, and how long to wait before it.
#include <algorithm>
#include <random>
#include <thread>

#include "common/apply_steps.hpp"
#include "common/interrupt.hpp"

namespace belay {

bool is_lock_conflict(const Error& error) {
  const auto* server = dynamic_cast<const ServerError*>(&error);
  return server != nullptr && (server->sqlstate == "55P03" || server->sqlstate == "40P01");
}

void back_off(int attempt) {
  static std::mt19937 random{std::random_device{}()};
  const int longest = std::min(8000, 500 << std::min(attempt - 1, 4));
  const std::chrono::milliseconds pause{std::uniform_int_distribution<int>{longest / 2, longest}(random)};
  const auto until = std::chrono::steady_clock::now() + pause;
  while (std::chrono::steady_clock::now() < until) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

}  // namespace belay
