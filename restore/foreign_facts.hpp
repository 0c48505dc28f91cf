// What is known of a dump without a manifest, beside what its made-up manifest can say.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace belay {

struct ForeignFacts {
  /// How many objects of a kind an archive's table of contents names: "tables" → 12. Empty for a script.
  std::map<std::string, std::uint64_t> objects;
  std::uint64_t created_tables = 0;  ///< CREATE TABLE statements
  bool rows_counted = true;          ///< every row was seen as one: the manifest's content has their numbers
  bool names_owners = false;         ///< it says to whom things belong
  bool has_grants = false;           ///< it says who may do what
};

}  // namespace belay
