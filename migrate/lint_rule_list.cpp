#include <array>

#include "migrate/lint.hpp"

namespace belay {

namespace {

constexpr std::array rules{
    LintRule{"ban-drop-table", "a table is dropped"},
    LintRule{"ban-drop-column", "a column is dropped"},
    LintRule{"ban-drop-schema", "a schema is dropped with what is in it"},
    LintRule{"ban-truncate", "a table is emptied"},
    LintRule{"ban-truncate-cascade", "TRUNCATE reaches tables that it does not name"},
    LintRule{"delete-without-where", "every row of a table is deleted"},
    LintRule{"update-without-where", "every row of a table is changed"},
    LintRule{"lossy-type-change", "a new type does not hold every value of the old one"},
    LintRule{"drop-column-collateral", "what goes with a column without being named"},
    LintRule{"drop-cascade-preview", "what CASCADE takes along"},
    LintRule{"table-copy", "a table copied with CREATE TABLE AS takes the place of the old one"},
    LintRule{"no-way-back", "what a reversal cannot bring back"},
    LintRule{"changing-column-type", "a new column type has the table written anew"},
    LintRule{"adding-field-with-default", "a new column has the table written anew"},
    LintRule{"adding-auto-incrementing-field", "a serial or identity column has the table written anew"},
    LintRule{"adding-not-nullable-field", "SET NOT NULL reads the table under an exclusive lock"},
    LintRule{"constraint-missing-not-valid", "a CHECK reads the table under an exclusive lock"},
    LintRule{"adding-foreign-key-constraint", "a foreign key reads the table while writers of two tables wait"},
    LintRule{"disallowed-unique-constraint", "a unique constraint builds its index under an exclusive lock"},
    LintRule{"adding-primary-key-constraint", "a primary key builds its index under an exclusive lock"},
    LintRule{"adding-exclusion-constraint", "an exclusion constraint builds its index under an exclusive lock"},
    LintRule{"require-concurrent-index-creation", "an index is built while writers wait"},
    LintRule{"require-concurrent-index-deletion", "an index is dropped under an exclusive lock"},
    LintRule{"require-concurrent-reindex", "an index is rebuilt while others wait"},
    LintRule{"require-concurrent-refresh", "a materialized view is refreshed while its readers wait"},
    LintRule{"require-concurrent-partition-detach", "a partition is detached under an exclusive lock"},
    LintRule{"attach-partition-scan", "a partition is read under an exclusive lock before it is attached"},
    LintRule{"table-rewrite", "a table is written anew"},
    LintRule{"ban-alter-domain-with-add-constraint", "every table with a column of the domain is read and locked"},
    LintRule{"drop-fk-locks-parent", "dropping a foreign key locks the table that it references"},
    LintRule{"statement-after-access-exclusive", "slow work while an exclusive lock is already held"},
    LintRule{"validate-in-same-transaction", "a NOT VALID constraint is validated under the lock that made it"},
    LintRule{"renaming-table", "a table gets another name"},
    LintRule{"renaming-column", "a column gets another name"},
    LintRule{"renaming-enum-value", "an enum value gets another name"},
    LintRule{"renaming-schema", "something gets another schema"},
    LintRule{"ban-drop-not-null", "a column may be NULL from now on"},
    LintRule{"adding-required-field", "a column without a default is required at once"},
    LintRule{"changing-function-signature", "a function is dropped, or comes back with other arguments"},
    LintRule{"drop-view", "a view is dropped"},
    LintRule{"view-blocks-type-change", "the server refuses a new type because something uses the column"},
    LintRule{"drop-blocked-by-dependents", "the server refuses a drop because something depends on it"},
    LintRule{"replica-identity-lost", "UPDATE and DELETE on a published table will fail"},
    LintRule{"unlogged-blocked-by-fk", "the server refuses SET LOGGED or UNLOGGED because of a foreign key"},
    LintRule{"missing-permission", "the role may not do that"},
    LintRule{"transaction-control-in-script", "the script begins or ends transactions itself"},
    LintRule{"ban-concurrent-index-creation-in-transaction", "what cannot run in a transaction stands in one"},
    LintRule{"concurrently-in-multi-statement-file", "CONCURRENTLY beside other statements"},
    LintRule{"concurrently-if-not-exists", "IF NOT EXISTS may pass over an invalid index"},
    LintRule{"concurrently-lock-timeout", "a lock_timeout may end CONCURRENTLY half-way"},
    LintRule{"new-enum-value-used", "a new enum value is used in the migration that adds it"},
    LintRule{"prefer-robust-stmts", "a script that is not one transaction cannot be run again"},
    LintRule{"dynamic-sql", "what a block does cannot be told beforehand"},
    LintRule{"unparsed-script", "a script that the parser does not understand"},
    LintRule{"outside-database", "a statement reaches beyond the database"},
    LintRule{"foreign-key-without-index", "a foreign key whose columns have no index"},
    LintRule{"not-valid-left-behind", "a constraint stays NOT VALID"},
    LintRule{"row-changes-with-ddl", "rows and schema are changed in one migration"},
    LintRule{"unrelated-changes", "a migration changes tables that have nothing to do with each other"},
    LintRule{"identifier-too-long", "a name over 63 bytes is cut"},
    LintRule{"migration-name", "a folder's name that says nothing, or has another form"},
    LintRule{"invalid-allow", "a belay:allow comment without a reason, or of no rule"},
    LintRule{"unused-allow", "a belay:allow comment that allows nothing"}};

}  // namespace

std::span<const LintRule> lint_rules() { return rules; }

}  // namespace belay
