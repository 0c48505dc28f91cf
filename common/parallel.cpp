#include "common/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

namespace belay {

namespace {

class Dealer {
 public:
  explicit Dealer(const std::vector<Task>& tasks) : tasks_(tasks) {}

  void work(std::size_t worker) {
    for (std::size_t next = next_++; next < tasks_.size() && !stopped_; next = next_++) {
      try {
        tasks_[next](worker);
      } catch (...) {
        keep_first(std::current_exception());
      }
    }
  }
  void throw_first() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  void keep_first(std::exception_ptr error) {
    const std::lock_guard<std::mutex> guard{mutex_};
    if (!first_) first_ = std::move(error);
    stopped_ = true;
  }

  const std::vector<Task>& tasks_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

void run_parallel(std::size_t workers, const std::vector<Task>& tasks) {
  Dealer dealer{tasks};
  {
    std::vector<std::jthread> threads;
    for (std::size_t worker = 1; worker < std::min(workers, tasks.size()); ++worker)
      threads.emplace_back([&dealer, worker] { dealer.work(worker); });
    dealer.work(0);
  }
  dealer.throw_first();
}

}  // namespace belay
