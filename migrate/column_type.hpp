// A column's type as SQL writes it, and what it costs to change one into another: PostgreSQL leaves the rows alone
// where every old value is a new one bit for bit, and writes the whole table anew everywhere else.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/parse_tree.hpp"

namespace belay {

struct ColumnType {
  std::string schema;          ///< pg_catalog, or that of a type of the user's own; empty = not written
  std::string name;            ///< as pg_type has it: int4, varchar, numeric
  std::vector<int> modifiers;  ///< (10, 2); empty = none
  bool array = false;
  [[nodiscard]] bool known() const { return !name.empty(); }
  /// "varchar(10)", "numeric(10,2)[]".
  [[nodiscard]] std::string text() const;
};

/// From the parser's TypeName. serial becomes int4, and so on.
[[nodiscard]] ColumnType column_type(const ParseNode& type_name);
/// From pg_type.typname and atttypmod.
[[nodiscard]] ColumnType column_type(const std::string& schema, const std::string& typname, int typmod);
/// smallserial, serial, bigserial and their other names.
[[nodiscard]] bool is_serial(const ParseNode& type_name);

enum class TypeChange {
  same_bits,  ///< catalog only
  rewrite,    ///< every row is written anew; no value is changed
  narrowing   ///< written anew, and values may be refused, cut or rounded
};
/// Where TimeZone is UTC, timestamp and timestamptz have the same bits. Source: ATColumnChangeRequiresRewrite, and the
/// support functions of the length coercions (varchar_support, numeric_support, …).
struct TypeChangeRequest {
  ColumnType from, to;
  bool utc = false;
  bool using_expression = false;  ///< USING something else than a cast of the column to the new type
};
[[nodiscard]] TypeChange type_change(const TypeChangeRequest& request);

}  // namespace belay
