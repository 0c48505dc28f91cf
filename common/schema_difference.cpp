#include "common/schema_difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/schema_queries.hpp"
#include "common/schema_reparse.hpp"

namespace belay {

namespace {

struct SoftFact {
  const char* kind;  ///< nullptr = every kind
  const char* attribute;
};

/// Everything that does not make a comparison fail. All else is hard.
constexpr std::array<SoftFact, 5> soft_facts = {{
    {"extension", "version"},        // a restore installs the version that the server has
    {"collation", "version"},        // the operating system's library, not the database's doing
    {nullptr, "name"},               // made up by the server, from what existed at that moment
    {nullptr, "column order"},       // a column added again goes to the end
    {"subscription", object_count},  // a copy of the database must not subscribe
}};

bool among(std::initializer_list<const char*> kinds, const std::string& kind) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const char* one) { return kind == one; });
}

/// Names out of `"a", "b"`.
std::vector<std::string> listed_names(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < list.size();) {
    const std::vector<std::string> next = path_names(list.substr(at));
    if (next.empty()) break;
    names.push_back(next.front());
    at += next.front().size() + 2;
  }
  return names;
}

std::vector<std::string> only_those_in(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  const std::set<std::string> wanted(others.begin(), others.end());
  std::vector<std::string> kept;
  std::copy_if(names.begin(), names.end(), std::back_inserter(kept),
               [&](const std::string& name) { return wanted.contains(name); });
  return kept;
}

std::string unquoted(const std::string& quoted_name) {
  std::string name;
  for (std::size_t i = 1; i + 1 < quoted_name.size(); ++i) {
    name += quoted_name[i];
    if (quoted_name[i] == '"') ++i;
  }
  return name;
}

/// On one line, for people.
std::string escaped(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
  return line;
}

bool inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
}

}  // namespace

std::vector<ObjectFacts> objects_of(const SchemaFingerprint& fingerprint) {
  std::vector<ObjectFacts> objects;
  const std::span<const SchemaFact> facts(fingerprint.facts);
  for (std::size_t first = 0, last = 0; first < facts.size(); first = last) {
    while (last < facts.size() && facts[last].kind == facts[first].kind && facts[last].object == facts[first].object)
      ++last;
    objects.push_back({facts.subspan(first, last - first)});
  }
  return objects;
}

Severity severity_of(const std::string& kind, const std::string& attribute) {
  const bool soft = std::any_of(soft_facts.begin(), soft_facts.end(), [&](const SoftFact& fact) {
    return (fact.kind == nullptr || kind == fact.kind) && attribute == fact.attribute;
  });
  return soft ? Severity::soft : Severity::hard;
}

bool has_parts(const std::string& kind) {
  return among({"table", "view", "materialized view", "foreign table", "composite type", "domain"}, kind);
}

bool is_part(const std::string& kind) {
  return among({"column", "attribute", "constraint", "index", "trigger", "constraint trigger", "rule", "policy",
                "foreign table option", "domain constraint"},
               kind);
}

std::string parent_path(const std::string& path) {
  const std::vector<std::string> names = path_names(path);
  return names.size() < 2 ? path : names[0] + "." + names[1];
}

std::optional<std::string> content_without_name(const ObjectFacts& object) {
  if (!among({"constraint", "index", "sequence", "domain constraint"}, object.kind())) return std::nullopt;
  const auto generated = [](const SchemaFact& fact) { return fact.attribute == generated_name_parts; };
  if (std::none_of(object.facts.begin(), object.facts.end(), generated)) return std::nullopt;
  const std::vector<std::string> names = path_names(object.path());
  std::string content = object.kind();
  for (std::size_t i = 0; i + 1 < names.size(); ++i) content += '\0' + names[i];
  for (const SchemaFact& fact : object.facts) content += '\0' + fact.attribute + '\0' + fact.value;
  return content;
}

bool name_is_used_in_code(const SchemaFingerprint& fingerprint, const std::string& quoted_name) {
  const std::string name = unquoted(quoted_name);
  return std::any_of(fingerprint.facts.begin(), fingerprint.facts.end(), [&](const SchemaFact& fact) {
    return fact.attribute == "definition" && among({"function", "procedure", "rule"}, fact.kind) &&
           fact.value.find(name) != std::string::npos;
  });
}

bool same_order_of_common_names(const std::string& a, const std::string& b) {
  const std::vector<std::string> first = listed_names(a);
  const std::vector<std::string> second = listed_names(b);
  return only_those_in(first, second) == only_those_in(second, first);
}

std::string excerpt(const std::string& text, std::size_t differs_at) {
  constexpr std::size_t longest = 160, before = 40;
  if (text.size() <= longest) return escaped(text);
  std::size_t from = differs_at > before ? differs_at - before : 0;
  while (from > 0 && inside_character(text, from)) --from;
  std::size_t to = std::min(text.size(), from + longest);
  while (to < text.size() && inside_character(text, to)) ++to;
  return (from > 0 ? "…" : "") + escaped(text.substr(from, to - from)) + (to < text.size() ? "…" : "");
}

std::string gist_of(const ObjectFacts& object) {
  for (const char* attribute : {"definition", "type", "labels"}) {
    for (const SchemaFact& fact : object.facts) {
      if (fact.attribute == attribute) return fact.value;
    }
  }
  return "present";
}

std::string SchemaDifference::describe() const {
  const std::string what = object.empty() ? kind : kind + " " + escaped(object);
  const std::string was = expected.value_or("none");
  const std::string is = found.value_or("none");
  if (attribute == existence) {
    const std::string& gist = expected ? was : is;
    const std::string text = gist == "present" ? "" : fmt::format(" ({})", excerpt(gist, 0));
    return fmt::format("{}: {}{}", what, expected ? "missing" : "not expected", text);
  }
  const auto differs = std::mismatch(was.begin(), was.end(), is.begin(), is.end()).first;
  const auto at = static_cast<std::size_t>(differs - was.begin());
  return fmt::format("{}: {}: expected {}, found {}", what, attribute, excerpt(was, at), excerpt(is, at));
}

}  // namespace belay
