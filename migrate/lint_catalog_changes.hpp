// What the two files that follow statements through the catalog share.
#pragma once
#include "migrate/lint_catalog.hpp"

namespace belay {

/// A new, empty table; none if there is one of that name.
CatalogTable* make_table(LintCatalog& catalog, const ParseNode& relation, char kind);
/// The index of a table by its own name; none if there is none.
[[nodiscard]] CatalogIndex* index_named(CatalogTable& table, const std::string& name);

/// After CREATE TABLE, CREATE INDEX, ALTER TABLE: the node under the statement's name.
void create_table(LintCatalog& catalog, const ParseNode& node);
void create_index(LintCatalog& catalog, const ParseNode& node);
void alter_table(LintCatalog& catalog, const ParseNode& node);
void remove_index(LintCatalog& catalog, const QualifiedName& name);

}  // namespace belay
