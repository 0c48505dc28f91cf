// The sample report of tests/data, and what the tests of reports do with one.
#pragma once
#include <filesystem>
#include <string>

#include "common/output.hpp"
#include "tests/support/run.hpp"

namespace belay::test {

/// A run that failed in its third migration and was put back through the spare, with names that are markup.
inline belay::Json sample_report() {
  return belay::Json::parse(read_text(std::filesystem::path{BELAY_TEST_DATA} / "report_put_back.json"));
}

/// Every text in it, fields' names left alone.
inline void replace_texts(belay::Json& json, const std::string& text) {
  if (json.is_string()) json = text;
  if (!json.is_structured()) return;
  for (belay::Json& entry : json) replace_texts(entry, text);
}

/// Every value becomes one of another type.
inline void confuse_types(belay::Json& json) {
  for (belay::Json& entry : json) {
    if (entry.is_structured() && !entry.empty()) {
      confuse_types(entry);
    } else if (entry.is_string()) {
      entry = belay::Json::array({1, nullptr});
    } else if (entry.is_number()) {
      entry = "many";
    } else {
      entry = -1e300;
    }
  }
}

}  // namespace belay::test
