// What the lint's rules have to know of the database: which tables there are and how big, what hangs on them, who owns
// them. Read from the live catalog, or put together from the scripts alone; each statement that was looked at changes
// it, so that the next one meets the tables as it will find them.
#pragma once
#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/bytes.hpp"
#include "common/connection.hpp"
#include "migrate/column_type.hpp"

namespace belay {

template <typename Name>
[[nodiscard]] bool holds(const std::vector<Name>& list, const Name& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

struct QualifiedName {
  std::string schema;  ///< empty = as the search_path finds it
  std::string name;
  friend auto operator<=>(const QualifiedName&, const QualifiedName&) = default;
};

/// "schema"."name" as far as quotes are needed.
[[nodiscard]] std::string shown_name(const QualifiedName& name);
/// A name in any of the parser's forms: RangeVar, list of names, TypeName, ObjectWithArgs. Of more than two parts the
/// last two.
[[nodiscard]] QualifiedName qualified_name(const ParseNode& node);

struct CatalogColumn {
  std::string name;
  ColumnType type;
  bool not_null = false, has_default = false;
};

struct CatalogIndex {
  QualifiedName name;
  std::vector<std::string> keys;     ///< key columns in their order; "" for an expression
  std::vector<std::string> columns;  ///< every column that it mentions: INCLUDE, expressions and predicate too
  bool unique = false, valid = true, partial = false, replica_identity = false;
  std::string constraint;  ///< the constraint that it belongs to
};

struct CatalogConstraint {
  std::string name;
  char kind = 'c';  ///< as pg_constraint.contype: p, u, c, f, x
  std::vector<std::string> columns;
  bool validated = true;
  bool inherited = false;    ///< a partition's part of its parent's
  QualifiedName references;  ///< of a foreign key
  std::vector<std::string> referenced_columns;
  std::vector<std::string> not_null;  ///< columns that a CHECK keeps from being NULL
};

/// Something that uses a column of a table; `column` empty = the table as such.
struct CatalogDependent {
  enum class Kind { view, rule, policy, trigger, generated_column, function, publication, statistics, sequence };
  Kind kind = Kind::view;
  std::string column;
  std::string words;            ///< for people: "view public.open_orders"
  QualifiedName relation = {};  ///< of a view
  std::string generated = {};   ///< of a generated column: its name
};

struct CatalogTable {
  QualifiedName name;
  char kind = 'r';                   ///< as pg_class.relkind: r, p, v, m, f
  bool fresh = false;                ///< made by these scripts, so nobody can be waiting for it
  std::optional<Bytes> bytes;        ///< with TOAST, without indexes; none = not known
  std::optional<std::int64_t> rows;  ///< the planner's estimate
  bool filled = true;                ///< there is at least one page, or it is not known
  bool owned = true;                 ///< the role may alter it
  std::string owner;
  bool unlogged = false, published = false, replica_identity_index = false;
  bool columns_known = false;  ///< `columns` are all that there are
  std::vector<CatalogColumn> columns;
  std::vector<CatalogIndex> indexes;
  std::vector<CatalogConstraint> constraints;
  std::vector<CatalogDependent> dependents;
  std::vector<QualifiedName> parents, children;
  bool partition = false, default_partition = false;

  [[nodiscard]] const CatalogColumn* column(const std::string& name) const;
  [[nodiscard]] const CatalogConstraint* constraint(const std::string& name) const;
};

struct CatalogDomain {
  bool constrained = false;  ///< NOT NULL, or a CHECK
  ColumnType base;
};

struct CatalogFunction {
  QualifiedName name;
  std::vector<std::string> arguments;  ///< types of the input arguments
};

struct LintCatalog {
  bool live = false;  ///< read from a database
  std::string role;
  int server_version = 0;
  bool utc = false;  ///< the session's TimeZone
  std::vector<std::string> search_path{"public"};
  std::map<QualifiedName, CatalogTable> tables;  ///< views and materialized views too
  std::map<QualifiedName, QualifiedName> index_tables;
  std::map<QualifiedName, CatalogDomain> domains;
  std::set<std::string> no_create;         ///< schemas that this role may not create in
  std::vector<CatalogFunction> functions;  ///< of the user's own
  std::set<std::string> volatile_functions;
  /// Sizes by name for tables that only the scripts make: a whole folder is looked at from its beginning.
  struct Size {
    Bytes bytes = 0;
    std::int64_t rows = 0;
    bool filled = false;
  };
  std::map<QualifiedName, Size> sizes;

  /// The full name of a table or view that the search_path finds; in the first schema if there is none.
  [[nodiscard]] QualifiedName resolve(const QualifiedName& name) const;
  [[nodiscard]] const CatalogTable* find(const QualifiedName& name) const;
  [[nodiscard]] CatalogTable* find(const QualifiedName& name);
  /// The domain that a type is; none if it is another type.
  [[nodiscard]] const CatalogDomain* domain(const ColumnType& type) const;
  /// The table of an index, and the index.
  struct IndexPlace {
    const CatalogTable* table = nullptr;
    const CatalogIndex* index = nullptr;
  };
  [[nodiscard]] IndexPlace find_index(const QualifiedName& name) const;
  /// Foreign keys of other tables that reference it.
  struct Reference {
    const CatalogTable* table = nullptr;
    const CatalogConstraint* key = nullptr;
  };
  [[nodiscard]] std::vector<Reference> references_to(const QualifiedName& table) const;
  /// It and every table below it, by inheritance or as a partition.
  [[nodiscard]] std::vector<const CatalogTable*> with_children(const CatalogTable& table) const;
};

/// One READ ONLY transaction on an idle session; nothing is changed, and nothing stays locked. `schema`: the URL's
/// schema=. Throws ServerError.
[[nodiscard]] LintCatalog read_lint_catalog(Connection& db, const std::optional<std::string>& schema);
/// The same without tables, for a folder looked at from its beginning; their sizes are in `sizes`.
[[nodiscard]] LintCatalog without_tables(LintCatalog catalog);

/// After `statement` ({"CreateStmt": {…}}) has run. Only what the rules ask for is followed.
void follow(LintCatalog& catalog, const ParseNode& statement);
/// Without a database: tables that a statement names and no script has made are there, and filled.
void assume_tables(LintCatalog& catalog, const ParseNode& statement);
/// What was made so far is there for everybody from now on.
void settle_fresh(LintCatalog& catalog);

/// Columns that a boolean expression keeps from being NULL: `a IS NOT NULL AND …`.
[[nodiscard]] std::vector<std::string> columns_kept_not_null(const ParseNode& expression);

}  // namespace belay
