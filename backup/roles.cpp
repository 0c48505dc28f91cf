#include "backup/roles.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "common/sql_text.hpp"

namespace belay {

namespace {

/// A catalog of objects with an owner or privileges.
struct Catalog {
  std::string name;
  std::string letters;             ///< its columns begin with these: relowner, relacl
  bool has_privileges = true;      ///< a column of privileges
  std::string condition = "true";  ///< on its row `o`
};

std::vector<Catalog> catalogs() {
  const auto in_user_schema = [](const std::string& letters) {
    return fmt::format(
        "EXISTS (SELECT FROM pg_namespace n WHERE n.oid = o.{}namespace AND n.nspname !~ "
        "'^pg_(temp|toast)')",
        letters);
  };
  return {{"pg_class", "rel", true, "o.relkind NOT IN ('i', 'I', 't') AND " + in_user_schema("rel")},
          {"pg_proc", "pro", true, in_user_schema("pro")},
          {"pg_type", "typ", true, in_user_schema("typ")},
          {"pg_namespace", "nsp", true, "o.nspname !~ '^pg_(temp|toast)'"},
          {"pg_language", "lan"},
          {"pg_foreign_data_wrapper", "fdw"},
          {"pg_foreign_server", "srv"},
          {"pg_largeobject_metadata", "lom"},
          {"pg_operator", "opr", false},
          {"pg_opclass", "opc", false},
          {"pg_opfamily", "opf", false},
          {"pg_collation", "coll", false},
          {"pg_conversion", "con", false},
          {"pg_ts_config", "cfg", false},
          {"pg_ts_dict", "dict", false},
          {"pg_statistic_ext", "stx", false},
          {"pg_event_trigger", "evt", false},
          {"pg_publication", "pub", false}};
}

/// Objects of extensions come back as their extension makes them, whoever owns them here.
std::string owners_of(const Catalog& c) {
  const std::string own = c.name == "pg_namespace" ? "(o.oid >= 16384 OR o.nspname = 'public')" : "o.oid >= 16384";
  return fmt::format(
      "SELECT o.{}owner AS role FROM {} AS o WHERE {} AND {} AND NOT EXISTS (SELECT FROM pg_depend d WHERE "
      "d.classid = '{}'::regclass AND d.objid = o.oid AND d.deptype = 'e')",
      c.letters, c.name, own, c.condition, c.name);
}

/// Rights that are as initdb or the extension made them are in no dump.
std::string parties_of(const std::string& catalog, const std::string& acl, const std::string& id,
                       const std::string& column, const std::string& condition) {
  return fmt::format(
      "SELECT unnest(ARRAY[a.grantee, a.grantor]) AS role FROM {0} AS o LEFT JOIN pg_init_privs AS ip ON ip.objoid = "
      "{1} "
      "AND ip.classoid = '{2}'::regclass AND ip.objsubid = {3}, aclexplode({4}) AS a WHERE {4} IS NOT NULL AND {4} IS "
      "DISTINCT FROM ip.initprivs AND {5}",
      catalog, id, catalog == "pg_attribute" ? "pg_class" : catalog, column, acl, condition);
}

std::string references_query() {
  std::string sql;
  for (const Catalog& c : catalogs()) {
    sql += (sql.empty() ? "" : " UNION ALL ") + owners_of(c);
    if (c.has_privileges)
      sql += " UNION ALL " + parties_of(c.name, "o." + c.letters + "acl", "o.oid", "0", c.condition);
  }
  sql += " UNION ALL " + parties_of("pg_attribute", "o.attacl", "o.attrelid", "o.attnum", "true");
  // Whatever else the server keeps track of, in versions with catalogs that are not known here.
  return sql +
         " UNION ALL SELECT d.defaclrole FROM pg_default_acl d"
         " UNION ALL SELECT unnest(ARRAY[a.grantee, a.grantor]) FROM pg_default_acl d, aclexplode(d.defaclacl) a"
         " UNION ALL SELECT unnest(p.polroles) FROM pg_policy p"
         " UNION ALL SELECT m.umuser FROM pg_user_mappings m"
         " UNION ALL SELECT s.subowner FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE "
         "datname "
         "= current_database())"
         " UNION ALL SELECT s.refobjid FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype IN "
         "('a', 'r') AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
}

/// Role-in-database settings are recorded nowhere as a dependency, and the database's own grants belong to it, not to
/// its content.
void add_roles_of(const DatabaseProperties& database, std::set<std::string>& names) {
  names.insert(database.owner);
  for (const DatabaseSetting& setting : database.settings) {
    if (setting.role) names.insert(*setting.role);
  }
  for (const DatabaseGrant& grant : database.grants) {
    names.insert(grant.grantor);
    if (grant.grantee) names.insert(*grant.grantee);
  }
}

std::string array_of(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += list.empty() ? "\"" : ",\"";
    for (const char c : name) list += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
    list += "\"";
  }
  return "{" + list + "}";
}

/// $1: names. Those roles and all that they are members of, at any distance.
constexpr const char* with_all_above =
    "WITH RECURSIVE up AS (SELECT oid FROM pg_roles WHERE rolname = ANY ($1::text[]) UNION SELECT m.roleid FROM "
    "pg_auth_members m JOIN up ON up.oid = m.member) ";

std::string create_statement_of(const Row& row) {
  std::string sql = "CREATE ROLE " + quote_identifier(row.text("rolname"));
  static const std::vector<std::pair<const char*, const char*>> attributes{
      {"rolsuper", "SUPERUSER"},    {"rolinherit", "INHERIT"}, {"rolcreaterole", "CREATEROLE"},
      {"rolcreatedb", "CREATEDB"},  {"rolcanlogin", "LOGIN"},  {"rolreplication", "REPLICATION"},
      {"rolbypassrls", "BYPASSRLS"}};
  for (const auto& [column, word] : attributes) sql += fmt::format(" {}{}", row.flag(column) ? "" : "NO", word);
  if (row.number("rolconnlimit") >= 0) sql += " CONNECTION LIMIT " + row.text("rolconnlimit");
  if (row.cell("until")) sql += " VALID UNTIL " + quote_literal(row.text("until"));
  return sql;
}

void add_memberships(Connection& db, const std::string& names, std::map<std::string, RoleDefinition>& roles) {
  const bool three_options = db.server_version() >= 160000;
  const std::string options =
      three_options ? "a.inherit_option, a.set_option" : "true AS inherit_option, true AS set_option";
  for (const Row& row : db.rows(
           fmt::format(
               "{}SELECT DISTINCT g.rolname AS role, m.rolname AS member, a.admin_option, {} FROM pg_auth_members a "
               "JOIN up ON up.oid = a.member JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = "
               "a.member ORDER BY 1, 2",
               with_all_above, options),
           {names})) {
    const auto member = roles.find(row.text("member"));
    if (member == roles.end()) continue;  // one of the server's own
    const auto word = [&](const char* column) { return row.flag(column) ? "TRUE" : "FALSE"; };
    const std::string with = three_options ? fmt::format(" WITH ADMIN {}, INHERIT {}, SET {}", word("admin_option"),
                                                         word("inherit_option"), word("set_option"))
                             : row.flag("admin_option") ? " WITH ADMIN OPTION"
                                                        : "";
    member->second.grants.push_back(fmt::format("GRANT {} TO {}{}", quote_identifier(row.text("role")),
                                                quote_identifier(row.text("member")), with));
  }
}

void add_settings(Connection& db, std::map<std::string, RoleDefinition>& roles) {
  for (const Row& row :
       db.rows("SELECT rolname, c AS item FROM pg_roles, unnest(rolconfig) AS c ORDER BY rolname, c")) {
    const auto role = roles.find(row.text("rolname"));
    if (role == roles.end()) continue;
    const std::string& item = row.text("item");
    const std::size_t equals = item.find('=');
    role->second.grants.push_back(fmt::format("ALTER ROLE {} {}", quote_identifier(row.text("rolname")),
                                              set_clause(item.substr(0, equals), item.substr(equals + 1))));
  }
}

}  // namespace

ReferredRoles list_roles(Connection& db, const DatabaseProperties& database) {
  ReferredRoles found;
  std::set<std::string> names;
  add_roles_of(database, names);
  for (const Row& row : db.rows("SELECT DISTINCT u.role, r.rolname FROM (" + references_query() +
                                ") AS u LEFT JOIN pg_roles r ON r.oid = u.role WHERE u.role <> 0 ORDER BY 1")) {
    if (row.text_or("rolname", "").starts_with("pg_")) continue;  // every server of the version has them
    if (row.cell("rolname")) {
      names.insert(row.text("rolname"));
    } else {
      found.gone.push_back(row.text("role"));
    }
  }
  found.names.assign(names.begin(), names.end());
  return found;
}

std::vector<RoleDefinition> define_roles(Connection& db, const std::vector<std::string>& roles) {
  std::map<std::string, RoleDefinition> defined;
  const std::string names = array_of(roles);
  for (const Row& row : db.rows(std::string{with_all_above} +
                                    "SELECT r.*, r.rolvaliduntil::text AS until FROM pg_roles r JOIN up ON up.oid = "
                                    "r.oid WHERE r.rolname !~ '^pg_'",
                                {names})) {
    defined[row.text("rolname")] = {row.text("rolname"), create_statement_of(row), {}};
  }
  add_memberships(db, names, defined);
  add_settings(db, defined);
  std::vector<RoleDefinition> list;
  for (auto& [name, role] : defined) list.push_back(std::move(role));
  return list;
}

}  // namespace belay
