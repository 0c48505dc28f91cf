#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tests/server/reversal_corpus.hpp"

namespace belay::test {

namespace {

std::string cut(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

}  // namespace

double share_taken_back(const std::vector<TriedReversal>& tried) {
  const auto keeps = [](const TriedReversal& one) { return one.destroyed.empty(); };
  const auto all = std::count_if(tried.begin(), tried.end(), keeps);
  const auto good = std::count_if(tried.begin(), tried.end(),
                                  [&](const TriedReversal& one) { return keeps(one) && one.refused.empty(); });
  return all == 0 ? 100 : 100.0 * static_cast<double>(good) / static_cast<double>(all);
}

std::string reversal_table(const std::vector<TriedReversal>& tried) {
  std::string refused, destroyed, wrong;
  std::map<std::string, int> noise;
  std::size_t keeping = 0, back = 0, further = 0, bad = 0;
  for (const TriedReversal& one : tried) {
    const std::string name = one.application + "/" + one.migration;
    if (one.destroyed.empty()) ++keeping;
    if (one.destroyed.empty() && one.refused.empty()) ++back;
    if (!one.destroyed.empty() && one.refused.empty()) ++further;
    if (one.destroyed.empty() && !one.refused.empty())
      refused += fmt::format("  {}\n      {}\n", name, cut(one.refused, 230));
    if (!one.destroyed.empty())
      destroyed +=
          fmt::format("  {:<58} {:<18} {}\n", name, one.refused.empty() ? "structure only" : "refused", one.destroyed);
    bad += one.wrong.empty() ? 0 : 1;
    for (const std::string& line : one.wrong) wrong += fmt::format("  {}\n      {}\n", name, line);
    for (const std::string& line : one.noise) ++noise[line];
  }
  std::string text = fmt::format(
      "migrations                                  {:>5}\n"
      "that destroyed nothing                      {:>5}\n"
      "  of those, derived and proven              {:>5}   {:.1f} %\n"
      "that destroyed rows or values               {:>5}\n"
      "  of those, structure derived and proven    {:>5}\n"
      "WRONG: called proven, and differs           {:>5}\n",
      tried.size(), keeping, back, share_taken_back(tried), tried.size() - keeping, further, bad);
  const auto part = [&](const char* title, const std::string& lines) {
    if (!lines.empty()) text += fmt::format("\n{}\n{}", title, lines);
  };
  std::string seen;
  for (const auto& [line, number] : noise) seen += fmt::format("  {:>4}  {}\n", number, line);
  part("Destroyed nothing, and not taken back:", refused);
  part("Destroyed something:", destroyed);
  part("Allowed:", seen);
  part("WRONG:", wrong);
  return text;
}

}  // namespace belay::test
