// Whether two texts are the same SQL where there is no server to ask.
//
// The server prints some expressions differently before and after a dump and restore, although nothing changed:
// `code IN ('a', 'b')` on a varchar column is first printed with one cast around the array, afterwards with a cast on
// each element. Where a server is at hand, it parses the older text again (schema_reparse.hpp). Two backups have none.
#pragma once
#include <string>

namespace belay {

/// `a` and `b`: what a SchemaFact with `expression` holds, both of the same kind. True if the server's own parser makes
/// the same tree of both, once the places where a restore is known to change the text are levelled: a cast of an array
/// against casts of its elements, a cast made twice, AND and OR nested in themselves, a column's name that follows from
/// its cast. A text that cannot be parsed is equal only to itself.
[[nodiscard]] bool same_expression(const std::string& a, const std::string& b);

}  // namespace belay
