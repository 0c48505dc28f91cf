// The table's name, shared by the files that implement history.hpp. Nothing else writes it.
#pragma once
#include <string>

#include "common/sql_text.hpp"

namespace belay {

/// `"schema"._prisma_migrations`.
[[nodiscard]] inline std::string history_table(const std::string& schema) {
  return quote_identifier(schema) + "._prisma_migrations";
}

}  // namespace belay
