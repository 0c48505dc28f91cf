#include <fmt/format.h>

#include <charconv>

#include "common/connection.hpp"

namespace belay {

const Cell& Row::cell(std::size_t index) const {
  if (index >= cells_.size()) throw Error{Failure::bug, fmt::format("a row has no column {}", index)};
  return cells_[index];
}

const Cell& Row::cell(std::string_view name) const {
  for (std::size_t i = 0; i < names_->size(); ++i) {
    if ((*names_)[i] == name) return cells_[i];
  }
  throw Error{Failure::bug, fmt::format("a row has no column \"{}\"", name)};
}

const std::string& Row::text(std::size_t index) const {
  const Cell& found = cell(index);
  if (!found) throw Error{Failure::bug, fmt::format("column {} is NULL", index)};
  return *found;
}

const std::string& Row::text(std::string_view name) const {
  const Cell& found = cell(name);
  if (!found) throw Error{Failure::bug, fmt::format("column \"{}\" is NULL", name)};
  return *found;
}

std::string Row::text_or(std::string_view name, const std::string& fallback) const {
  const Cell& found = cell(name);
  return found ? *found : fallback;
}

std::int64_t Row::number(std::string_view name) const {
  const std::string& digits = text(name);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) {
    throw Error{Failure::bug, fmt::format("column \"{}\" is no whole number: {}", name, digits)};
  }
  return number;
}

bool Row::flag(std::string_view name) const { return text(name) == "t"; }

}  // namespace belay
