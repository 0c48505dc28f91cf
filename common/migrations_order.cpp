// The order in which Prisma from 6.6 on applies migrations: JavaScript's localeCompare, that is ICU's root collation.
// For printable ASCII that is a comparison in levels: first all characters without regard to case, then, if those are
// equal, case, small letters first. Punctuation counts, and comes before digits; control characters do not count at
// all. So 0_init < 000_x, and a_low < A_up < b-dash.
#include <string_view>
#include <vector>

#include "common/migrations.hpp"
#include "common/migrations_text.hpp"

namespace belay {

namespace {

constexpr std::string_view punctuation_in_order = "\t\n\v\f\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

struct Weight {
  unsigned long primary = 0;  ///< 0 = ignored
  bool capital = false;
};

unsigned long code_point(std::string_view sequence) {
  static constexpr unsigned char first_byte_bits[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
  unsigned long value = static_cast<unsigned char>(sequence.front()) & first_byte_bits[sequence.size()];
  for (const char c : sequence.substr(1)) value = (value << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
  return value;
}

Weight weight_of_ascii(char c) {
  constexpr unsigned long digits = 100;
  constexpr unsigned long letters = 200;
  if (c >= '0' && c <= '9') return {digits + static_cast<unsigned long>(c - '0'), false};
  if (c >= 'a' && c <= 'z') return {letters + static_cast<unsigned long>(c - 'a'), false};
  if (c >= 'A' && c <= 'Z') return {letters + static_cast<unsigned long>(c - 'A'), true};
  const std::size_t place = punctuation_in_order.find(c);
  if (place != std::string_view::npos) return {1 + place, false};
  return {};  // all other control characters are ignored
}

std::vector<Weight> weights_of(std::string_view name) {
  constexpr unsigned long after_ascii = 1000;
  std::vector<Weight> weights;
  while (!name.empty()) {
    const Utf8Step step = utf8_step(name);
    const std::string_view sequence = name.substr(0, step.length);
    name.remove_prefix(step.length);
    Weight weight;
    if (!step.valid) {
      weight = {after_ascii + 0xfffd, false};
    } else if (step.length == 1) {
      weight = weight_of_ascii(sequence.front());
    } else {
      weight = {after_ascii + code_point(sequence), false};
    }
    if (weight.primary != 0) weights.push_back(weight);
  }
  return weights;
}

}  // namespace

bool prisma_order(const std::string& a, const std::string& b) {
  const std::vector<Weight> left = weights_of(a);
  const std::vector<Weight> right = weights_of(b);
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (left[i].primary != right[i].primary) return left[i].primary < right[i].primary;
  }
  if (left.size() != right.size()) return left.size() < right.size();
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i].capital != right[i].capital) return right[i].capital;
  }
  return a < b;  // equal to ICU; some order has to be fixed
}

}  // namespace belay
