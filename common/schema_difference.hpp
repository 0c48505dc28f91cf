// The rules of comparing schema fingerprints: what is soft, what hangs on what, which names do not count, how a
// difference reads.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/fingerprint.hpp"

namespace belay {

/// SchemaDifference::attribute where a whole object is there on one side only, and where only the number of objects is
/// known.
inline constexpr const char* existence = "existence";
inline constexpr const char* object_count = "number of objects";

/// All facts of one object.
struct ObjectFacts {
  std::span<const SchemaFact> facts;
  [[nodiscard]] const std::string& kind() const { return facts.front().kind; }
  [[nodiscard]] const std::string& path() const { return facts.front().object; }
  [[nodiscard]] std::pair<const std::string&, const std::string&> key() const { return {kind(), path()}; }
};
[[nodiscard]] std::vector<ObjectFacts> objects_of(const SchemaFingerprint& fingerprint);

[[nodiscard]] Severity severity_of(const std::string& kind, const std::string& attribute);

/// Kinds whose objects have parts, and kinds that are parts: their paths begin with their parent's.
[[nodiscard]] bool has_parts(const std::string& kind);
[[nodiscard]] bool is_part(const std::string& kind);
/// The first two names of a path.
[[nodiscard]] std::string parent_path(const std::string& path);

/// Everything that makes up an object but its name, if PostgreSQL made that name up; else none.
[[nodiscard]] std::optional<std::string> content_without_name(const ObjectFacts& object);
/// SQL may say ON CONFLICT ON CONSTRAINT name: then the name matters although nobody chose it.
[[nodiscard]] bool name_is_used_in_code(const SchemaFingerprint& fingerprint, const std::string& quoted_name);

/// Two lists of quoted names in which those that stand in both come in the same order.
[[nodiscard]] bool same_order_of_common_names(const std::string& a, const std::string& b);
/// `text` on one line; of a long one the part in which byte `differs_at` lies.
[[nodiscard]] std::string excerpt(const std::string& text, std::size_t differs_at);
/// What an object is, in one value: its definition or type.
[[nodiscard]] std::string gist_of(const ObjectFacts& object);

}  // namespace belay
