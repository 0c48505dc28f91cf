#include "common/strict_json.hpp"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "common/files.hpp"

namespace belay {

namespace {

/// Sees the fields of each object that is open while the text is being read.
class Duplicates {
 public:
  bool see(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key && first_.empty()) {
      const std::string& name = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(name).second) first_ = name;
    }
    return true;
  }
  [[nodiscard]] const std::string& first() const { return first_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string first_;
};

}  // namespace

Json parse_strict(const std::string& text) {
  Duplicates duplicates;
  const auto see = [&](int /*depth*/, Json::parse_event_t event, Json& parsed) {
    return duplicates.see(event, parsed);
  };
  Json json = Json::parse(text, see, false);
  if (json.is_discarded()) throw Error{Failure::storage, "It is not JSON."};
  if (!duplicates.first().empty())
    throw Error{Failure::storage, fmt::format("It has the field \"{}\" twice.", duplicates.first())};
  return json;
}

void throw_not_whole(const Json& json) {
  throw Error{Failure::storage, fmt::format("{} is no whole number that can stand there.",
                                            json.is_number() ? json.dump() : std::string{"A "} + json.type_name())};
}

std::string file_name(const Json& json) {
  const std::string& name = json.get_ref<const std::string&>();
  if (is_file_name(name)) return name;
  throw Error{Failure::storage, fmt::format("\"{}\" is no name of a file in the backup's own folder.", name)};
}

}  // namespace belay
