// The difference between two schema fingerprints: object by object, attribute by attribute, what is only printed
// differently left out.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/fingerprint.hpp"
#include "common/schema_difference.hpp"
#include "common/schema_queries.hpp"
#include "common/schema_reparse.hpp"

namespace belay {

namespace {

using Object = ObjectFacts;

/// An expression whose text differs.
struct Doubt {
  const SchemaFact *expected, *found;
};

struct Comparison {
  const SchemaFingerprint& expected;
  const SchemaFingerprint& found;
  std::vector<Object> missing, extra;
  std::vector<Doubt> doubts;
  std::vector<SchemaDifference> differences;

  void add(const Object& object, const std::string& attribute, std::optional<std::string> was,
           std::optional<std::string> is) {
    // Whether a name looks made up only matters where two objects with different names are compared.
    if (attribute == generated_name_parts) return;
    differences.push_back({severity_of(object.kind(), attribute), object.kind(), object.path(), attribute,
                           std::move(was), std::move(is)});
  }
};

void compare_values(Comparison& all, const Object& object, const SchemaFact& expected, const SchemaFact& found) {
  if (expected.value == found.value) return;
  if (expected.attribute == "column order" && same_order_of_common_names(expected.value, found.value)) return;
  if (expected.expression && found.expression) {
    all.doubts.push_back({&expected, &found});
    return;
  }
  all.add(object, expected.attribute, expected.value, found.value);
}

void compare_objects(Comparison& all, const Object& expected, const Object& found) {
  auto e = expected.facts.begin();
  auto f = found.facts.begin();
  while (e != expected.facts.end() || f != found.facts.end()) {
    if (f == found.facts.end() || (e != expected.facts.end() && e->attribute < f->attribute)) {
      all.add(expected, e->attribute, e->value, std::nullopt);
      ++e;
    } else if (e == expected.facts.end() || f->attribute < e->attribute) {
      all.add(expected, f->attribute, std::nullopt, f->value);
      ++f;
    } else {
      compare_values(all, expected, *e++, *f++);
    }
  }
}

void pair_objects(Comparison& all, const std::vector<Object>& expected, const std::vector<Object>& found) {
  auto e = expected.begin();
  auto f = found.begin();
  while (e != expected.end() || f != found.end()) {
    if (f == found.end() || (e != expected.end() && e->key() < f->key())) {
      all.missing.push_back(*e++);
    } else if (e == expected.end() || f->key() < e->key()) {
      all.extra.push_back(*f++);
    } else {
      compare_objects(all, *e++, *f++);
    }
  }
}

/// Objects of which only the name, made up by the server, differs: taken out of `missing` and `extra`.
void pair_generated_names(Comparison& all) {
  std::multimap<std::string, std::size_t> by_content;
  for (std::size_t i = 0; i < all.extra.size(); ++i) {
    if (const auto content = content_without_name(all.extra[i])) by_content.emplace(*content, i);
  }
  std::set<std::size_t> paired;
  std::erase_if(all.missing, [&](const Object& object) {
    const auto content = content_without_name(object);
    const auto twin = content ? by_content.find(*content) : by_content.end();
    if (twin == by_content.end()) return false;
    const std::string was = path_names(object.path()).back();
    const std::string is = path_names(all.extra[twin->second].path()).back();
    if (name_is_used_in_code(all.found, was) || name_is_used_in_code(all.found, is)) return false;
    all.add(object, "name", was, is);
    paired.insert(twin->second);
    by_content.erase(twin);
    return true;
  });
  std::size_t i = 0;
  std::erase_if(all.extra, [&](const Object&) { return paired.contains(i++); });
}

/// A missing table is one difference, not one for each of its columns.
void drop_parts_of_listed(std::vector<Object>& objects) {
  std::set<std::string> wholes;
  for (const Object& object : objects) {
    if (has_parts(object.kind())) wholes.insert(object.path());
  }
  std::erase_if(objects, [&](const Object& object) {
    return is_part(object.kind()) && wholes.contains(parent_path(object.path()));
  });
}

void settle_missing_and_extra(Comparison& all) {
  pair_generated_names(all);
  drop_parts_of_listed(all.missing);
  drop_parts_of_listed(all.extra);
  for (const Object& object : all.missing) all.add(object, existence, gist_of(object), std::nullopt);
  for (const Object& object : all.extra) all.add(object, existence, std::nullopt, gist_of(object));
}

std::vector<std::optional<std::string>> texts_of(const Comparison& all, Connection& db,
                                                 const SchemaFact* Doubt::*side) {
  std::vector<ReparseRequest> requests;
  const SchemaFingerprint& facts = side == &Doubt::expected ? all.expected : all.found;
  for (const Doubt& doubt : all.doubts) requests.push_back({doubt.*side, &facts});
  return reparse(db, requests);
}

/// The recorded text is parsed again first. Where that does not settle it, the found one is too: it may be the one that
/// has never been through a dump.
void settle_doubts(Comparison& all, Connection& db) {
  const auto expected = texts_of(all, db, &Doubt::expected);
  std::vector<std::optional<std::string>> left;
  std::size_t i = 0;
  std::erase_if(all.doubts, [&](const Doubt& doubt) {
    const auto& text = expected[i++];
    if (text == doubt.found->value) return true;
    left.push_back(text);
    return false;
  });
  if (all.doubts.empty()) return;
  const auto found = texts_of(all, db, &Doubt::found);
  i = 0;
  std::erase_if(all.doubts, [&](const Doubt&) {
    const std::size_t at = i++;
    return left[at] && left[at] == found[at];
  });
}

void compare_counts(Comparison& all) {
  std::set<std::string> kinds;
  for (const auto* side : {&all.expected, &all.found}) {
    for (const auto& [kind, number] : side->not_compared) kinds.insert(kind);
  }
  const auto number = [](const SchemaFingerprint& side, const std::string& kind) {
    const auto at = side.not_compared.find(kind);
    return at == side.not_compared.end() ? std::uint64_t{0} : at->second;
  };
  for (const std::string& kind : kinds) {
    const std::uint64_t was = number(all.expected, kind);
    const std::uint64_t is = number(all.found, kind);
    if (was == is) continue;
    all.differences.push_back(
        {severity_of(kind, object_count), kind, "", object_count, std::to_string(was), std::to_string(is)});
  }
}

void refuse_unlike(const SchemaFingerprint& expected, const SchemaFingerprint& found) {
  if (expected.version == found.version && expected.server_major == found.server_major) return;
  throw Error{Failure::refused, "could not compare two schema fingerprints",
              fmt::format("One is of format {} from PostgreSQL {}, the other of format {} from PostgreSQL {}; the "
                          "server prints definitions "
                          "differently from one major version to the next.",
                          expected.version, expected.server_major, found.version, found.server_major)};
}

}  // namespace

std::vector<SchemaDifference> compare_schema(const SchemaFingerprint& expected, const SchemaFingerprint& found,
                                             Connection* reparse_in) {
  refuse_unlike(expected, found);
  Comparison all{expected, found, {}, {}, {}, {}};
  pair_objects(all, objects_of(expected), objects_of(found));
  settle_missing_and_extra(all);
  if (reparse_in != nullptr && !all.doubts.empty()) settle_doubts(all, *reparse_in);
  for (const Doubt& doubt : all.doubts) {
    all.differences.push_back({severity_of(doubt.expected->kind, doubt.expected->attribute), doubt.expected->kind,
                               doubt.expected->object, doubt.expected->attribute, doubt.expected->value,
                               doubt.found->value});
  }
  compare_counts(all);
  std::sort(all.differences.begin(), all.differences.end(), [](const SchemaDifference& a, const SchemaDifference& b) {
    return std::tie(a.severity, a.kind, a.object, a.attribute) < std::tie(b.severity, b.kind, b.object, b.attribute);
  });
  return std::move(all.differences);
}

}  // namespace belay
