// What pg_dump writes to standard error while it reports success, told apart: most of it is about restores that belay
// never makes, some says that something was left out, and anything else an operator has to read.
#pragma once
#include <string>
#include <vector>

namespace belay {

struct DumpRemarks {
  std::vector<std::string> harmless;  ///< for a full restore into an empty database
  std::vector<std::string> left_out;  ///< something is not in the dump, and the manifest's not_included names it
  std::vector<std::string> unknown;   ///< for the operator to read, and for the manifest
};

enum class StderrEnd { whole, cut };

/// A remark is a line with the detail and hint lines that follow it, joined by line breaks. `end`: cut = what came
/// first is lost, which is an unknown remark by itself. pg_dump must have spoken English (LC_ALL=C).
[[nodiscard]] DumpRemarks classify_dump_stderr(const std::string& text, StderrEnd end);

}  // namespace belay
