#include "common/database_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sql_text.hpp"
#include "common/strict_json.hpp"

namespace belay {

namespace {

std::string provider_name(const std::string& letter) {
  return letter == "i" ? "icu" : letter == "b" ? "builtin" : "libc";
}

std::string properties_query(int server_version) {
  const char* provider = server_version >= 150000 ? "d.datlocprovider" : "'c'";
  const char* locale = server_version >= 170000 ? "d.datlocale" : server_version >= 150000 ? "d.daticulocale" : "NULL";
  const char* version = server_version >= 150000 ? "d.datcollversion" : "NULL";
  return fmt::format(
      "SELECT d.oid, pg_get_userbyid(d.datdba) AS owner, pg_encoding_to_char(d.encoding) AS encoding, {} AS provider, "
      "d.datcollate,"
      " d.datctype, {} AS locale, {} AS collversion, t.spcname, d.datconnlimit, d.datistemplate, d.datacl IS NULL AS "
      "default_acl,"
      " shobj_description(d.oid, 'pg_database') AS comment,"
      " CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END AS size,"
      " current_setting('lc_monetary') AS lc_monetary"
      " FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1",
      provider, locale, version);
}

std::vector<DatabaseGrant> read_grants(Connection& db, const std::string& oid) {
  std::vector<DatabaseGrant> grants;
  for (const Row& row : db.rows("SELECT pg_get_userbyid(a.grantor) AS grantor, CASE WHEN a.grantee = 0 THEN NULL ELSE"
                                " pg_get_userbyid(a.grantee) END AS grantee, a.privilege_type, a.is_grantable"
                                " FROM pg_database d, aclexplode(d.datacl) a WHERE d.oid = $1::oid",
                                {oid})) {
    grants.push_back({row.text("grantor"), row.cell("grantee"), row.text("privilege_type"), row.flag("is_grantable")});
  }
  std::sort(grants.begin(), grants.end());
  return grants;
}

std::vector<DatabaseSetting> read_settings(Connection& db, const std::string& oid) {
  std::vector<DatabaseSetting> settings;
  for (const Row& row :
       db.rows("SELECT CASE WHEN s.setrole = 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END AS role, c AS item"
               " FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setdatabase = $1::oid",
               {oid})) {
    const std::string& item = row.text("item");
    const std::size_t equals = item.find('=');
    settings.push_back({row.cell("role"), item.substr(0, equals), item.substr(equals + 1)});
  }
  std::sort(settings.begin(), settings.end());
  return settings;
}

/// Settings that hold a list of identifiers are stored already quoted; each element goes back as a literal of its own,
/// as pg_dump does it.
bool is_quoted_list(const std::string& name) {
  static const std::vector<std::string> names{"local_preload_libraries",   "search_path",
                                              "session_preload_libraries", "shared_preload_libraries",
                                              "temp_tablespaces",          "unix_socket_directories"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> split_quoted_list(const std::string& value) {
  std::vector<std::string> items;
  std::string item;
  bool any = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') {
      any = true;
      for (++i; i < value.size(); ++i) {
        if (value[i] == '"' && (i + 1 >= value.size() || value[i + 1] != '"')) break;
        if (value[i] == '"') ++i;
        item += value[i];
      }
    } else if (value[i] == ',') {
      items.push_back(std::exchange(item, {}));
      any = false;
    } else if (value[i] != ' ') {
      item += value[i];
      any = true;
    }
  }
  if (any || !items.empty()) items.push_back(item);
  return items;
}

std::string setting_value(const std::string& name, const std::string& value) {
  if (!is_quoted_list(name)) return quote_literal(value);
  std::string list;
  for (const std::string& item : split_quoted_list(value)) list += (list.empty() ? "" : ", ") + quote_literal(item);
  return list.empty() ? "''" : list;
}

/// Extension settings have a dotted name, whose parts are quoted one by one.
std::string setting_name(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return quote_identifier(name);
  return quote_identifier(name.substr(0, dot)) + "." + quote_identifier(name.substr(dot + 1));
}

void apply_grants(Connection& db, const std::string& target, const DatabaseProperties& properties) {
  if (properties.default_privileges) return;
  db.run(fmt::format("REVOKE ALL ON DATABASE {} FROM PUBLIC, {}", target, quote_identifier(properties.owner)));
  // The owner's own grants first: what others passed on rests on them.
  for (const bool by_owner : {true, false}) {
    for (const DatabaseGrant& grant : properties.grants) {
      if ((grant.grantor == properties.owner) != by_owner) continue;
      if (!by_owner) db.run("SET LOCAL ROLE " + quote_identifier(grant.grantor));
      db.run(fmt::format("GRANT {} ON DATABASE {} TO {}{}", grant.privilege, target,
                         grant.grantee ? quote_identifier(*grant.grantee) : "PUBLIC",
                         grant.grantable ? " WITH GRANT OPTION" : ""));
      if (!by_owner) db.run("RESET ROLE");
    }
  }
}

Json grants_json(const DatabaseProperties& p) {
  if (p.default_privileges) return nullptr;
  Json list = Json::array();
  for (const DatabaseGrant& g : p.grants) {
    list.push_back({{"grantor", g.grantor},
                    {"grantee", g.grantee ? Json(*g.grantee) : Json(nullptr)},
                    {"privilege", g.privilege},
                    {"grantable", g.grantable}});
  }
  return list;
}

Json optional_json(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

std::optional<std::string> optional_text(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional<std::string>{json.get<std::string>()};
}

DatabaseProperties properties_from(const Json& json) {
  DatabaseProperties p;
  p.name = json.at("name");
  p.owner = json.at("owner");
  p.encoding = json.at("encoding");
  p.locale_provider = json.at("locale_provider");
  p.collate = json.at("collate");
  p.ctype = json.at("ctype");
  p.icu_locale = optional_text(json.at("icu_locale"));
  p.collation_version = optional_text(json.at("collation_version"));
  p.tablespace = json.at("tablespace");
  p.connection_limit = whole_number<int>(json.at("connection_limit"));
  p.is_template = json.at("is_template");
  p.comment = optional_text(json.at("comment"));
  p.size_bytes = whole_number<std::uint64_t>(json.at("size_bytes"));
  p.lc_monetary = json.at("lc_monetary");
  p.default_privileges = json.at("privileges").is_null();
  if (!p.default_privileges) {
    for (const Json& g : json.at("privileges")) {
      p.grants.push_back({g.at("grantor"), optional_text(g.at("grantee")), g.at("privilege"), g.at("grantable")});
    }
  }
  for (const Json& s : json.at("settings"))
    p.settings.push_back({optional_text(s.at("role")), s.at("name"), s.at("value")});
  return p;
}

}  // namespace

std::optional<DatabaseProperties> read_properties(Connection& db, const std::string& name) {
  const std::optional<Row> row = db.maybe(properties_query(db.server_version()), {name});
  if (!row) return std::nullopt;
  DatabaseProperties p;
  p.name = name;
  p.owner = row->text("owner");
  p.encoding = row->text("encoding");
  p.locale_provider = db.server_version() >= 150000 ? provider_name(row->text("provider")) : "";
  p.collate = row->text_or("datcollate", "");
  p.ctype = row->text_or("datctype", "");
  p.icu_locale = row->cell("locale");
  p.collation_version = row->cell("collversion");
  p.tablespace = row->text("spcname");
  p.connection_limit = static_cast<int>(row->number("datconnlimit"));
  p.is_template = row->flag("datistemplate");
  p.comment = row->cell("comment");
  p.default_privileges = row->flag("default_acl");
  p.size_bytes = static_cast<std::uint64_t>(row->number("size"));
  p.lc_monetary = row->text("lc_monetary");
  if (!p.default_privileges) p.grants = read_grants(db, row->text("oid"));
  p.settings = read_settings(db, row->text("oid"));
  return p;
}

std::string set_clause(const std::string& name, const std::string& value) {
  return fmt::format("SET {} TO {}", setting_name(name), setting_value(name, value));
}

std::string create_statement(const std::string& name, const DatabaseProperties& like) {
  std::string sql =
      fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}", quote_identifier(name),
                  quote_literal(like.encoding), quote_literal(like.collate), quote_literal(like.ctype));
  // Always said: a cluster may have another default provider, and the same names sort otherwise under it.
  if (!like.locale_provider.empty()) {
    sql += fmt::format(" LOCALE_PROVIDER {}", like.locale_provider);
    const char* option = like.locale_provider == "builtin" ? "BUILTIN_LOCALE" : "ICU_LOCALE";
    if (like.icu_locale) sql += fmt::format(" {} {}", option, quote_literal(*like.icu_locale));
  }
  if (like.tablespace != "pg_default") sql += fmt::format(" TABLESPACE {}", quote_identifier(like.tablespace));
  return sql;
}

void apply_properties(Connection& db, const std::string& name, const DatabaseProperties& properties) {
  const std::string target = quote_identifier(name);
  db.run(fmt::format("ALTER DATABASE {} OWNER TO {}", target, quote_identifier(properties.owner)));
  for (const DatabaseSetting& setting : properties.settings) {
    const std::string who = setting.role ? fmt::format("ROLE {} IN ", quote_identifier(*setting.role)) : "";
    db.run(fmt::format("ALTER {}DATABASE {} {}", who, target, set_clause(setting.name, setting.value)));
  }
  db.run(fmt::format("ALTER DATABASE {} CONNECTION LIMIT {}", target, properties.connection_limit));
  if (properties.is_template) db.run(fmt::format("ALTER DATABASE {} IS_TEMPLATE true", target));
  db.run(fmt::format("COMMENT ON DATABASE {} IS {}", target,
                     properties.comment ? quote_literal(*properties.comment) : "NULL"));
  apply_grants(db, target, properties);
}

std::vector<PropertyDifference> differing_properties(const DatabaseProperties& expected,
                                                     const DatabaseProperties& found) {
  std::vector<PropertyDifference> differences;
  const Json a = to_json(expected);
  const Json b = to_json(found);
  for (const auto& [key, value] : a.items()) {
    if (key == "name" || key == "size_bytes" || key == "lc_monetary" || key == "collation_version") continue;
    if (value != b.at(key)) differences.push_back({key, value.dump(), b.at(key).dump()});
  }
  return differences;
}

std::vector<std::string> compare_properties(const DatabaseProperties& expected, const DatabaseProperties& found) {
  std::vector<std::string> lines;
  for (const PropertyDifference& d : differing_properties(expected, found))
    lines.push_back(fmt::format("database {}: expected {}, found {}", d.name, d.expected, d.found));
  return lines;
}

Json to_json(const DatabaseProperties& p) {
  Json settings = Json::array();
  for (const DatabaseSetting& s : p.settings)
    settings.push_back({{"role", optional_json(s.role)}, {"name", s.name}, {"value", s.value}});
  return {{"name", p.name},
          {"owner", p.owner},
          {"encoding", p.encoding},
          {"locale_provider", p.locale_provider},
          {"collate", p.collate},
          {"ctype", p.ctype},
          {"icu_locale", optional_json(p.icu_locale)},
          {"collation_version", optional_json(p.collation_version)},
          {"tablespace", p.tablespace},
          {"connection_limit", p.connection_limit},
          {"is_template", p.is_template},
          {"comment", optional_json(p.comment)},
          {"privileges", grants_json(p)},
          {"settings", settings},
          {"size_bytes", p.size_bytes},
          {"lc_monetary", p.lc_monetary}};
}

DatabaseProperties properties_from_json(const Json& json) {
  try {
    return properties_from(json);
  } catch (const Json::exception& error) {
    throw Error{Failure::storage, "could not read a database's recorded properties", error.what()};
  }
}

}  // namespace belay
