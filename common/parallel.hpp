// Work dealt out to threads.
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

namespace belay {

/// What a worker does with one piece; `worker` counts from 0 and tells whose session to use.
using Task = std::function<void(std::size_t worker)>;

/// Runs every task once, in order, on as many threads as `workers` says (the calling one for a single worker), and
/// returns when all have ended. The first exception stops the dealing out and is thrown once everybody is done.
void run_parallel(std::size_t workers, const std::vector<Task>& tasks);

}  // namespace belay
