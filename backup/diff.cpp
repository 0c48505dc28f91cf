#include "backup/diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "backup/verify.hpp"
#include "common/expression_equal.hpp"
#include "common/schema_difference.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

// ---- schema ----

bool told_by_extensions(const SchemaDifference& d) {
  return d.kind == "extension" && (d.attribute == existence || d.attribute == "version");
}

/// Texts that differ only as a dump and restore makes them differ: there is no server here to parse them again.
class SameAfterRestore {
 public:
  explicit SameAfterRestore(const SchemaFingerprint& schema) {
    for (const SchemaFact& fact : schema.facts) {
      if (fact.expression) expressions_.insert({fact.kind, fact.object, fact.attribute});
    }
  }
  bool operator()(const SchemaDifference& d) const {
    return d.expected && d.found && expressions_.contains({d.kind, d.object, d.attribute}) &&
           same_expression(*d.expected, *d.found);
  }

 private:
  std::set<std::tuple<std::string, std::string, std::string>> expressions_;
};

void compare_schemas(BackupDifference& out, const SchemaFingerprint* a, const SchemaFingerprint* b) {
  if (a == nullptr || b == nullptr) {
    out.not_compared.emplace_back("schema: one of the backups has no record of it");
    return;
  }
  if (a->server_major != b->server_major || a->version != b->version) {
    out.not_compared.push_back(
        fmt::format("schema: A is from PostgreSQL {}, B from {}, which print definitions in "
                    "different words",
                    a->server_major, b->server_major));
    return;
  }
  const SameAfterRestore same{*b};
  for (SchemaDifference& d : compare_schema(*a, *b, nullptr)) {
    if (told_by_extensions(d) || same(d)) continue;
    (d.severity == Severity::hard ? out.schema : out.not_counted).push_back(std::move(d));
  }
}

// ---- content ----

using Name = std::pair<std::string, std::string>;

/// What both sides have, and what only one has, by schema and name.
template <typename T>
std::map<Name, std::pair<const T*, const T*>> paired(const std::vector<T>& a, const std::vector<T>& b) {
  std::map<Name, std::pair<const T*, const T*>> pairs;
  for (const T& one : a) pairs[{one.schema, one.name}].first = &one;
  for (const T& one : b) pairs[{one.schema, one.name}].second = &one;
  return pairs;
}

class RowComparison {
 public:
  RowComparison(BackupDifference& out, const Manifest& a, const Manifest& b)
      : out_(out), partial_(a.scope == Scope::partial || b.scope == Scope::partial), hashes_(hashes_say(a, b)) {}

  void compare(const Name& name, const TableContent* a, const TableContent* b) {
    if (a == nullptr || b == nullptr) {
      if (!partial_) add(name, a == nullptr ? RowsChange::added : RowsChange::removed, a, b);
    } else if (a->rows != b->rows) {
      add(name, RowsChange::count, a, b);
    } else if (a->columns != b->columns) {
      compare_columns(name, a, b);
    } else if (a->hash != b->hash && hashes_ && !a->hash.empty() && !b->hash.empty()) {
      add(name, RowsChange::content, a, b);
    }
  }

 private:
  bool hashes_say(const Manifest& a, const Manifest& b) {
    if (a.database.encoding == b.database.encoding) return true;
    out_.not_compared.push_back(fmt::format("content of rows, beyond their number: encodings {} and {}",
                                            a.database.encoding, b.database.encoding));
    return false;
  }

  void add(const Name& name, RowsChange change, const TableContent* a, const TableContent* b) {
    const auto rows = [](const TableContent* t) { return t ? std::optional{t->rows} : std::nullopt; };
    out_.tables.push_back({name.first, name.second, change, rows(a), rows(b)});
  }

  /// A restored inheritance child may have its columns in another order; then the rows' text differs, not the rows.
  void compare_columns(const Name& name, const TableContent* a, const TableContent* b) {
    const std::multiset<std::string> before(a->columns.begin(), a->columns.end());
    const std::multiset<std::string> after(b->columns.begin(), b->columns.end());
    if (before != after) {
      add(name, RowsChange::columns, a, b);
    } else if (a->rows > 0) {
      out_.not_compared.push_back(
          fmt::format("content of table \"{}\".\"{}\", beyond the number of rows: its columns "
                      "are in another order",
                      name.first, name.second));
    }
  }

  BackupDifference& out_;
  bool partial_, hashes_;
};

std::string position_of(const SequenceContent& s) {
  return fmt::format("{}{}", s.last_value, s.is_called ? "" : " (not used yet)");
}

void compare_sequences(BackupDifference& out, const Manifest& a, const Manifest& b) {
  for (const auto& [name, pair] : paired(a.content.sequences, b.content.sequences)) {
    const auto position = [](const SequenceContent* s) { return s ? std::optional{position_of(*s)} : std::nullopt; };
    const std::optional<std::string> before = position(pair.first), after = position(pair.second);
    if (before != after)
      out.sequences.push_back({fmt::format("\"{}\".\"{}\"", name.first, name.second), before, after});
  }
}

void compare_large_objects(BackupDifference& out, const Manifest& a, const Manifest& b) {
  const LargeObjects& before = a.content.large_objects;
  const LargeObjects& after = b.content.large_objects;
  if (before == after) return;
  const bool counts = before.count != after.count;
  out.large_objects.push_back({counts ? "number" : "content", counts ? std::to_string(before.count) : before.hash,
                               counts ? std::to_string(after.count) : after.hash});
}

std::set<std::string> skipped_of(const Manifest& a, const Manifest& b) {
  std::set<std::string> skipped(a.content.skipped.begin(), a.content.skipped.end());
  skipped.insert(b.content.skipped.begin(), b.content.skipped.end());
  return skipped;
}

void compare_content_of(BackupDifference& out, const Manifest& a, const Manifest& b) {
  if (a.scope == Scope::schema || b.scope == Scope::schema) {
    out.not_compared.emplace_back("rows, sequences and large objects: not both backups hold them");
    return;
  }
  RowComparison rows{out, a, b};
  for (const auto& [name, pair] : paired(a.content.tables, b.content.tables))
    rows.compare(name, pair.first, pair.second);
  compare_sequences(out, a, b);
  compare_large_objects(out, a, b);
  for (const std::string& what : skipped_of(a, b)) out.not_compared.push_back(what);
  if (a.scope == Scope::partial || b.scope == Scope::partial)
    out.not_compared.emplace_back("tables that only one of the backups holds: at least one is partial");
  if (a.database.lc_monetary != b.database.lc_monetary)
    out.not_compared.push_back(
        fmt::format("values of type money: they are printed as lc_monetary says, {} in A and {} "
                    "in B",
                    a.database.lc_monetary, b.database.lc_monetary));
}

// ---- the rest ----

/// What two lists of named values have not in common.
std::vector<ValueChange> changes(const std::map<std::string, std::string>& a,
                                 const std::map<std::string, std::string>& b) {
  std::map<std::string, ValueChange> all;
  for (const auto& [name, value] : a) all[name].before = value;
  for (const auto& [name, value] : b) all[name].after = value;
  std::vector<ValueChange> changed;
  for (auto& [name, change] : all) {
    change.name = name;
    if (change.before != change.after) changed.push_back(change);
  }
  return changed;
}

/// "pgcrypto 1.3" by name.
std::map<std::string, std::string> extensions_of(const Manifest& m) {
  std::map<std::string, std::string> versions;
  for (const std::string& extension : m.extensions) {
    const std::size_t space = extension.rfind(' ');
    versions[extension.substr(0, space)] = space == std::string::npos ? "" : extension.substr(space + 1);
  }
  return versions;
}

std::map<std::string, std::string> migrations_of(const Manifest& m) {
  std::map<std::string, std::string> states;  // of the last row of each name
  for (const RecordedMigration& r : m.history) states[r.name] = r.state;
  return states;
}

void compare_database(BackupDifference& out, const Manifest& a, const Manifest& b) {
  out.extensions = changes(extensions_of(a), extensions_of(b));
  out.migrations = changes(migrations_of(a), migrations_of(b));
  for (const PropertyDifference& d : differing_properties(a.database, b.database))
    out.properties.push_back({d.name, d.expected, d.found});
}

Json side_json(const fs::path& archive, const Manifest& m) {
  return {{"archive", archive.string()},
          {"database", m.database.name},
          {"system_identifier", m.system_identifier},
          {"created_at", iso_utc(m.created_at)},
          {"server_version", m.server_version},
          {"scope", to_string(m.scope)}};
}

std::string side_line(const char* letter, const fs::path& archive, const Manifest& m) {
  return fmt::format("{}  {}  database \"{}\", {}\n", letter, archive.string(), m.database.name,
                     iso_utc(m.created_at).substr(0, 19) + "Z");
}

struct Side {
  fs::path archive;
  Manifest manifest;
  std::optional<SchemaFingerprint> schema;
};

Side read_side(const std::string& file) {
  Side side{fs::absolute(file).lexically_normal(), {}, {}};
  side.manifest = read_manifest_of(side.archive);
  if (!side.manifest.schema_file.empty()) side.schema = read_recorded_schema(side.archive, side.manifest);
  return side;
}

}  // namespace

std::size_t BackupDifference::count() const {
  return schema.size() + tables.size() + sequences.size() + large_objects.size() + extensions.size() +
         properties.size() + migrations.size();
}

std::string to_string(RowsChange change) {
  switch (change) {
    case RowsChange::added:
      return "added";
    case RowsChange::removed:
      return "removed";
    case RowsChange::count:
      return "count";
    case RowsChange::content:
      return "content";
    case RowsChange::columns:
      return "columns";
  }
  return {};
}

BackupDifference compare_backups(const Manifest& a, const SchemaFingerprint* schema_a, const Manifest& b,
                                 const SchemaFingerprint* schema_b) {
  BackupDifference difference;
  compare_schemas(difference, schema_a, schema_b);
  compare_content_of(difference, a, b);
  compare_database(difference, a, b);
  return difference;
}

int diff_backups(const BackupOptions& options, Tool& tool) {
  const Side a = read_side(options.files.at(0));
  const Side b = read_side(options.files.at(1));
  const auto schema = [](const Side& side) { return side.schema ? &*side.schema : nullptr; };
  const BackupDifference difference = compare_backups(a.manifest, schema(a), b.manifest, schema(b));
  Result result = show_difference(difference);
  result.text = side_line("A", a.archive, a.manifest) + side_line("B", b.archive, b.manifest) + result.text;
  Json json{{"a", side_json(a.archive, a.manifest)}, {"b", side_json(b.archive, b.manifest)}};
  json.update(result.json);
  tool.out.result({result.text, json});
  return difference.count() == 0 ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace belay
