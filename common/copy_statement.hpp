// The statement in front of a table's rows, in an archive of pg_dump and in a plain dump.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay {

struct CopyStatement {
  std::string schema;  ///< empty: only the search path says it
  std::string table;
  std::vector<std::string> columns;  ///< none for a table without columns
};

/// Reads `COPY schema.table (a, "b c") FROM stdin;`, in upper or lower case and with any white space, names in the
/// encoding of the statement. Nothing else is such a statement: not one with options, from a file or a program.
[[nodiscard]] std::optional<CopyStatement> parse_copy_statement(std::string_view statement);

}  // namespace belay
