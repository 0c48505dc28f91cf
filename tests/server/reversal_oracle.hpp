// What a migration destroyed and what a reversal left, judged by rows and by pg_dump's text alone.
#pragma once
#include <set>
#include <string>

#include "common/connection.hpp"
#include "tests/server/row_snapshot.hpp"

namespace belay::test {

[[nodiscard]] bool has_values(const TableRows& table, const std::string& column);

/// What of `before` the migration destroyed; empty = nothing. By identity; `db` stands right after the migration.
[[nodiscard]] std::string destroyed_by_migration(Connection& db, const RowSnapshot& before, const RowSnapshot& after);

/// Tables, as they were called, of which a column is gone: where it comes back it is the last one.
[[nodiscard]] std::set<std::string> tables_with_gone_columns(const RowSnapshot& before, const RowSnapshot& after);

/// `dump` without the one difference that is allowed: the order of columns of a table of which one was dropped by the
/// migration or is made anew by the reversal. ADD COLUMN has no other place for it than the end.
[[nodiscard]] std::string allowed_noise(const std::string& dump, const std::set<std::string>& reordered);

/// The first line that differs, with what the other has there.
[[nodiscard]] std::string first_difference(const std::string& a, const std::string& b);

/// Whether the table had a column of that name that was computed from others.
[[nodiscard]] bool was_computed(const TableRows& table, const std::string& column);

}  // namespace belay::test
