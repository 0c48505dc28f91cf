// What changed from one backup to another, by what their manifests and schema files record: no server is asked and no
// archive is read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "backup/manifest.hpp"
#include "backup/options.hpp"
#include "common/run_tool.hpp"

namespace belay {

/// Something with a name and a value. No value on one side: it is not there.
struct ValueChange {
  std::string name;
  std::optional<std::string> before, after;
};

enum class RowsChange {
  added,    ///< the table is there in B only
  removed,  ///< in A only
  count,    ///< another number of rows
  content,  ///< the same number, other rows
  columns,  ///< other columns, so the rows cannot be compared
};
[[nodiscard]] std::string to_string(RowsChange change);

struct TableChange {
  std::string schema, name;
  RowsChange change = RowsChange::count;
  std::optional<std::uint64_t> before, after;  ///< rows
};

struct BackupDifference {
  std::vector<SchemaDifference> schema;  ///< expected = A, found = B
  std::vector<TableChange> tables;
  std::vector<ValueChange> sequences, large_objects, extensions, properties, migrations;
  /// What a restore may change by itself: the order of columns, names that the server makes up, versions of collations.
  std::vector<SchemaDifference> not_counted;
  std::vector<std::string> not_compared;  ///< a sentence each
  [[nodiscard]] std::size_t count() const;
};

/// `schema_a`, `schema_b`: the recorded facts; null where a manifest has none. Pure.
[[nodiscard]] BackupDifference compare_backups(const Manifest& a, const SchemaFingerprint* schema_a, const Manifest& b,
                                               const SchemaFingerprint* schema_b);

/// Text, grouped and bounded, and JSON, complete; without the two backups' names.
[[nodiscard]] Result show_difference(const BackupDifference& difference);

/// The verb. 9: there are differences. Throws storage for a backup that cannot be used.
int diff_backups(const BackupOptions& options, Tool& tool);

}  // namespace belay
