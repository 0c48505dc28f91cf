// Which objects a migration names in what it does, to say of an object which migration last touched it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/script.hpp"

namespace belay {

/// Objects of one such group share their names.
enum class ObjectGroup {
  relation,  ///< tables, views, indexes, sequences, types, domains: whatever has a row in pg_class or pg_type
  routine,
  schema,
  other  ///< extensions, publications, operators, …: by name alone
};

struct ObjectName {
  ObjectGroup group = ObjectGroup::relation;
  std::string schema;  ///< empty: not said
  std::string name;    ///< empty: every object of the group in the schema (GRANT … ON ALL TABLES IN SCHEMA)
  auto operator<=>(const ObjectName&) const = default;
};

/// Names for what has none.
inline constexpr const char* default_privileges_name = "default privileges";
inline constexpr const char* cast_name = "cast";

/// What the script's statements create, change, rename, drop, grant on or comment on, in order; of a renamed or moved
/// object both names. Rows that are written do not count. Nothing of a script that the parser does not understand.
[[nodiscard]] std::vector<ObjectName> touched_by(const Script& script);

class TouchedObjects {
 public:
  /// In the order in which the migrations run.
  void add(const std::string& migration, const Script& script);
  /// The last migration that touched an object of one of these names. A statement without a schema's name fits every
  /// schema.
  [[nodiscard]] std::optional<std::string> last_to_touch(const std::vector<ObjectName>& names) const;

 private:
  struct Touch {
    ObjectName name;
    std::size_t migration;
  };
  std::vector<std::string> migrations_;
  std::vector<Touch> touches_;
};

}  // namespace belay
