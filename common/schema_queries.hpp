// The catalog queries behind the schema part of the fingerprint, written as tables: which kinds of objects there are,
// how an object is called, which attributes it has. One query per kind, whatever the number of objects.
#pragma once
#include <string>
#include <vector>

namespace belay {

/// One attribute of a kind. `sql` is an expression of type text; NULL means that the object has no such fact, which is
/// how defaults are written: a fact stands for something that somebody said.
struct SchemaAttribute {
  std::string name;
  std::string sql;
  bool expression = false;  ///< deparsed SQL (SchemaFact::expression)
};

struct SchemaQuery {
  std::string kind;    ///< SQL expression
  std::string object;  ///< SQL expression: a path of names, each always quoted
  std::string from;    ///< what follows FROM, with its WHERE
  std::vector<SchemaAttribute> attributes;
};

/// The attribute that carries what is needed to tell whether PostgreSQL made a name up: `[name, table, columns, label]`
/// as JSON.
inline constexpr const char* generated_name_parts = "generated name";

/// Every query for a server of `server_version` (e.g. 150020). All of them need `schema_prelude` in front.
[[nodiscard]] std::vector<SchemaQuery> schema_queries(int server_version);
/// The common table expressions that the queries read: `members` (what belongs to extensions), `n` (user schemas), `r`
/// (user relations without the history table in `history_schema`).
[[nodiscard]] std::string schema_prelude(const std::string& history_schema);
/// Rows (kind, number) of user objects of kinds that no query above knows. Needs the prelude.
[[nodiscard]] std::string not_compared_query();

// Parts of schema_queries, by file.
[[nodiscard]] std::vector<SchemaQuery> relation_queries(int server_version);    // schema_facts_relations.cpp
[[nodiscard]] std::vector<SchemaQuery> table_part_queries(int server_version);  // schema_facts_table_parts.cpp
[[nodiscard]] std::vector<SchemaQuery> type_queries(int server_version);        // schema_facts_types.cpp
[[nodiscard]] std::vector<SchemaQuery> routine_queries(int server_version);     // schema_facts_routines.cpp
[[nodiscard]] std::vector<SchemaQuery> database_queries(int server_version);    // schema_facts_database.cpp

/// Pieces of SQL that many queries share. Arguments are SQL expressions.
namespace schema_sql {

/// "name", always quoted, quotes doubled: paths made of it cannot be confused, whatever the names are.
[[nodiscard]] std::string quoted(const std::string& name);
/// 'yes' where true, else no fact; `no_where` is the opposite: 'no' where true.
[[nodiscard]] std::string yes_where(const std::string& condition);
[[nodiscard]] std::string no_where(const std::string& condition);
/// A text array with its elements in a fixed order; no fact where it is NULL or empty.
[[nodiscard]] std::string sorted_list(const std::string& text_array);
/// What is left of `definition` after `prefix`; the whole of it where it does not begin so.
[[nodiscard]] std::string after_prefix(const std::string& definition, const std::string& prefix);
/// Path of the object in `catalog` (whose name and namespace columns begin with `letters`) with this OID, e.g.
/// ("pg_collation", "coll", …).
[[nodiscard]] std::string path_of(const std::string& catalog, const std::string& letters, const std::string& oid);
/// Path of a function with its argument types; NULL for 0.
[[nodiscard]] std::string function_path(const std::string& oid);
/// Names of an index's columns joined as PostgreSQL does for a generated name.
[[nodiscard]] std::string index_columns(const std::string& index_oid);

[[nodiscard]] SchemaAttribute owner(const std::string& role_oid);
/// Who may do what, whoever granted it. No fact where it is what a new object of `letter` (as for acldefault) would
/// have anyway.
[[nodiscard]] SchemaAttribute privileges(const std::string& acl, const std::string& letter,
                                         const std::string& role_oid);
/// The text of `acl`, exploded and sorted.
[[nodiscard]] std::string privilege_list(const std::string& acl);
[[nodiscard]] SchemaAttribute comment(const std::string& catalog, const std::string& oid,
                                      const std::string& column = "0");
/// Name of a tablespace that was chosen, no fact for the database's own.
[[nodiscard]] SchemaAttribute tablespace(const std::string& oid);
/// A condition: the object does not belong to an extension.
[[nodiscard]] std::string not_member(const std::string& catalog, const std::string& oid);
/// 'O' is the normal state of triggers and rules and no fact.
[[nodiscard]] SchemaAttribute enabled_state(const std::string& state);

}  // namespace schema_sql

}  // namespace belay
