// Errors of the server without the values of rows that it quotes in them. A report is mailed and attached to tickets;
// what stands in a row is nobody's business there.
#pragma once
#include <string>

#include "common/error.hpp"

namespace belay {

/// `error` with message and detail that name tables, columns and constraints and quote no row: after an error in the
/// data (SQLSTATE 22… and 23…) DETAIL and CONTEXT go, and of 22… the quoted value; elsewhere DETAIL lines that are
/// known to quote rows. What a migration's own RAISE says stays: it is the author's text.
[[nodiscard]] Error without_row_values(const Error& error);

}  // namespace belay
