// Names that PostgreSQL makes up for constraints, indexes and sequences that were given none.
#pragma once
#include <cstddef>
#include <string>

namespace belay {

/// NAMEDATALEN - 1, in bytes.
inline constexpr std::size_t longest_identifier = 63;

/// table_columns_label, both parts cut so that the whole has at most 63 bytes, never within a character. `columns` may
/// be empty. Source: makeObjectName in PostgreSQL's indexcmds.c.
[[nodiscard]] std::string generated_name(const std::string& table, const std::string& columns,
                                         const std::string& label);

/// True if PostgreSQL could have made up `name`: as above, with or without a number behind the label.
[[nodiscard]] bool is_generated_name(const std::string& name, const std::string& table, const std::string& columns,
                                     const std::string& label);

}  // namespace belay
