// Bytes and rate of one file on its way to or from another place.
#pragma once
#include <chrono>
#include <string>

#include "common/bytes.hpp"
#include "common/output.hpp"

namespace belay {

class TransferProgress {
 public:
  /// `doing`: "copying", "comparing", "fetching".
  TransferProgress(Output& out, std::string doing, std::string file, Bytes of)
      : out_(out), doing_(std::move(doing)), file_(std::move(file)), of_(of) {}
  /// So many bytes of the file so far.
  void at(Bytes done);

 private:
  Output& out_;
  std::string doing_, file_;
  Bytes of_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace belay
