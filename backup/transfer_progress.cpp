#include "backup/transfer_progress.hpp"

#include <fmt/format.h>

namespace belay {

void TransferProgress::at(Bytes done) {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began_;
  const Bytes rate = passed.count() < 0.001 ? 0 : static_cast<Bytes>(static_cast<double>(done) / passed.count());
  out_.progress(
      fmt::format("{} {}: {} of {}, {}/s", doing_, file_, human_size(done), human_size(of_), human_size(rate)),
      {{"phase", doing_}, {"file", file_}, {"bytes", done}, {"of", of_}, {"bytes_per_second", rate}});
}

}  // namespace belay
