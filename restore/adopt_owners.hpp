// Owners and grants for a dump that has none: those of the objects of the same name in the present database.
//
// Schemas, tables, views, materialized views, foreign tables, sequences, functions, procedures, aggregates, types and
// domains, with the grants on them and on columns. Not: default privileges, policies, large objects, operators and
// their classes, collations, conversions, text search, statistics, publications, event triggers, foreign servers. A
// grant that was passed on comes back as its owner's.
#pragma once
#include <optional>
#include <string>

#include "restore/load.hpp"

namespace belay {

/// Gives what is in the side database its owners, if --owner or --no-owner say so, or the dump (a foreign one) names
/// none. `target`: the present database, none where there is none. Says what stays without. Throws failed where this
/// role may not.
void adopt_owners(const LoadRequest& load, const std::optional<std::string>& target, Tool& tool);

}  // namespace belay
