// The settings under which deparsed SQL is comparable, for as long as an object of this type lives.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "common/connection.hpp"

namespace belay {

/// Needs an open transaction. Sets search_path '' and everything else that the text of an expression depends on, for
/// this transaction, and puts the values found back at the end of its life: the transaction may be somebody else's.
class PinnedSettings {
 public:
  explicit PinnedSettings(Connection& db);
  ~PinnedSettings();
  PinnedSettings(const PinnedSettings&) = delete;
  PinnedSettings& operator=(const PinnedSettings&) = delete;

 private:
  Connection& db_;
  std::vector<std::pair<std::string, std::string>> before_;
};

}  // namespace belay
