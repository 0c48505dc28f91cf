// A tar archive of a few small files, in the form that every tar reads (ustar).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"

namespace belay {

struct TarMember {
  std::string name;  ///< at most 100 bytes
  std::string content;
};

/// The whole archive: members below `folder`/, mode 0600, and the mark of its end. Throws bug for a name that is too
/// long.
[[nodiscard]] std::string tar_of(const std::string& folder, const std::vector<TarMember>& members, TimePoint time);

}  // namespace belay
