#include "rollback/catalog_state.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "common/pinned_settings.hpp"
#include "common/schema_queries.hpp"
#include "rollback/catalog_queries.hpp"

namespace belay {

namespace {

std::uint32_t oid_of(const Row& row, const char* column) { return static_cast<std::uint32_t>(row.number(column)); }

CatalogObject object_of(ObjectKind kind, const Row& row) {
  CatalogObject object;
  object.id = {row.text("catalog"), oid_of(row, "oid"), static_cast<int>(row.number("sub"))};
  object.kind = kind;
  object.schema = row.text_or("schema", "");
  object.name = row.text("name");
  if (row.cell("parent_oid")) object.parent = ObjectId{"pg_class", oid_of(row, "parent_oid"), 0};
  const nlohmann::json facts = nlohmann::json::parse(row.text("facts"));
  for (const auto& [name, value] : facts.items()) object.facts[name] = value.get<std::string>();
  return object;
}

void add_dependencies(Connection& db, const std::string& prelude, CatalogState& state) {
  for (const Row& row : db.rows(prelude + dependency_query())) {
    const ObjectId dependent{row.text("dc"), oid_of(row, "dn"), static_cast<int>(row.number("ds"))};
    const ObjectId referenced{row.text("rc"), oid_of(row, "rn"), static_cast<int>(row.number("rs"))};
    if (dependent == referenced || !state.find(dependent) || !state.find(referenced)) continue;
    state.dependencies.push_back({dependent, referenced});
  }
}

CatalogState read_in_transaction(Connection& db, const std::string& history_schema) {
  const PinnedSettings pinned(db);
  CatalogState state;
  state.role = db.value("SELECT quote_ident(current_user)");
  const std::string prelude = schema_prelude(history_schema);
  for (const CatalogQuery& query : catalog_queries(db.server_version())) {
    for (const Row& row : db.rows(prelude + query.sql)) {
      CatalogObject object = object_of(query.kind, row);
      const ObjectId id = object.id;
      state.objects.emplace(id, std::move(object));
    }
  }
  for (const Row& row : db.rows(default_privileges_query()))
    state.default_privileges.push_back({.role = row.text("role"),
                                        .schema = row.text_or("schema", ""),
                                        .objects = row.text("objects"),
                                        .rights = row.text("rights"),
                                        .usual = row.text("usual")});
  const Rows names = db.rows(
      "SELECT DISTINCT p.proname AS name FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND "
      "d.objid = p.oid WHERE d.deptype = 'e' AND p.oid >= 16384");
  for (const Row& row : names) state.extension_functions.insert(row.text("name"));
  add_dependencies(db, prelude, state);
  return state;
}

}  // namespace

std::string to_string(ObjectKind kind) {
  constexpr std::array names{
      "schema",           "extension",  "enum",  "domain", "composite type",    "sequence", "function", "table",
      "column",           "constraint", "index", "view",   "materialized view", "rule",     "trigger",  "policy",
      "statistics object"};
  return names.at(static_cast<std::size_t>(kind));
}

const std::string& CatalogObject::fact(const std::string& fact_name) const {
  static const std::string none;
  const auto found = facts.find(fact_name);
  return found == facts.end() ? none : found->second;
}

const CatalogObject* CatalogState::find(const ObjectId& id) const {
  const auto found = objects.find(id);
  return found == objects.end() ? nullptr : &found->second;
}

std::vector<const CatalogObject*> CatalogState::parts(const ObjectId& parent, ObjectKind kind) const {
  std::vector<const CatalogObject*> found;
  for (const auto& [id, object] : objects) {
    if (object.kind == kind && object.parent == parent) found.push_back(&object);
  }
  return found;
}

CatalogState read_catalog_state(Connection& db, const std::string& history_schema) {
  if (db.transaction_state() == TransactionState::open) return read_in_transaction(db, history_schema);
  Transaction transaction(db, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  CatalogState state = read_in_transaction(db, history_schema);
  transaction.rollback();
  return state;
}

}  // namespace belay
