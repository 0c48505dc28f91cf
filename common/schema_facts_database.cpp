// What belongs to the database as a whole: extensions, default privileges, publications, event triggers, foreign
// servers, text search, labels, changed rights on objects that are not the user's own; and the count of what is not
// known.
#include <fmt/format.h>

#include "common/schema_queries.hpp"

namespace belay {

using namespace schema_sql;

namespace {

SchemaQuery extensions() {
  return {"'extension'",
          quoted("e.extname"),
          "pg_extension AS e JOIN pg_namespace AS s ON s.oid = e.extnamespace",
          {{"schema", quoted("s.nspname")}, {"version", "e.extversion"}, comment("pg_extension", "e.oid")}};
}

SchemaQuery default_privileges() {
  return {"'default privileges'",
          fmt::format("{} || CASE WHEN s.oid IS NULL THEN '' ELSE ' in ' || {} END || CASE d.defaclobjtype WHEN 'r' "
                      "THEN ' on tables' WHEN 'S' "
                      "THEN ' on sequences' WHEN 'f' THEN ' on functions' WHEN 'T' THEN ' on types' WHEN 'n' THEN ' on "
                      "schemas' ELSE ' on ' || "
                      "d.defaclobjtype::text END",
                      quoted("pg_get_userbyid(d.defaclrole)"), quoted("s.nspname")),
          "pg_default_acl AS d LEFT JOIN pg_namespace AS s ON s.oid = d.defaclnamespace",
          {{"privileges", "(SELECT coalesce(p.list, 'nobody') FROM (" + privilege_list("d.defaclacl") + ") AS p)"}}};
}

SchemaQuery publications(int server_version) {
  std::vector<SchemaAttribute> attributes = {owner("p.pubowner"),
                                             comment("pg_publication", "p.oid"),
                                             {"all tables", yes_where("p.puballtables")},
                                             {"insert", no_where("NOT p.pubinsert")},
                                             {"update", no_where("NOT p.pubupdate")},
                                             {"delete", no_where("NOT p.pubdelete")},
                                             {"truncate", no_where("NOT p.pubtruncate")}};
  if (server_version >= 130000) attributes.push_back({"via partition root", yes_where("p.pubviaroot")});
  return {"'publication'", quoted("p.pubname"), "pg_publication AS p WHERE " + not_member("pg_publication", "p.oid"),
          std::move(attributes)};
}

SchemaQuery publication_tables(int server_version) {
  std::vector<SchemaAttribute> attributes = {{"published", "'yes'"}};
  if (server_version >= 150000) {
    attributes.push_back(
        {"columns",
         fmt::format("(SELECT string_agg({0}, ', ' ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = "
                     "r.oid AND a.attnum = ANY (pr.prattrs::int2[]))",
                     quoted("a.attname"))});
    attributes.push_back({"where", "pg_get_expr(pr.prqual, pr.prrelid)", true});
  }
  return {"'publication table'", quoted("p.pubname") + " || '.' || r.path",
          "pg_publication_rel AS pr JOIN pg_publication AS p ON p.oid = pr.prpubid JOIN r ON r.oid = pr.prrelid",
          std::move(attributes)};
}

SchemaQuery publication_schemas() {
  return {"'publication schema'",
          quoted("p.pubname") + " || '.' || n.path",
          "pg_publication_namespace AS pn JOIN pg_publication AS p ON p.oid = pn.pnpubid JOIN n ON n.oid = pn.pnnspid",
          {{"published", "'yes'"}}};
}

SchemaQuery event_triggers() {
  return {"'event trigger'",
          quoted("e.evtname"),
          "pg_event_trigger AS e WHERE " + not_member("pg_event_trigger", "e.oid"),
          {owner("e.evtowner"),
           {"event", "e.evtevent::text"},
           {"tags", sorted_list("e.evttags")},
           {"function", function_path("e.evtfoid")},
           enabled_state("e.evtenabled"),
           comment("pg_event_trigger", "e.oid")}};
}

/// Options of wrappers, servers and user mappings may hold passwords: only a digest, which also covers whose they are,
/// is kept.
std::string option_digest(const std::string& whose, const std::string& options) {
  return fmt::format(
      "CASE WHEN {0} IS NOT NULL THEN 'sha256:' || encode(sha256(convert_to({1} || ' ' || coalesce({2}, ''), 'UTF8')), "
      "'hex') END",
      options, whose, sorted_list(options));
}

std::vector<SchemaQuery> foreign_servers() {
  return {
      {"'foreign data wrapper'",
       quoted("w.fdwname"),
       "pg_foreign_data_wrapper AS w WHERE " + not_member("pg_foreign_data_wrapper", "w.oid"),
       {owner("w.fdwowner"),
        privileges("w.fdwacl", "F", "w.fdwowner"),
        comment("pg_foreign_data_wrapper", "w.oid"),
        {"handler", function_path("w.fdwhandler")},
        {"validator", function_path("w.fdwvalidator")},
        {"options", option_digest(quoted("w.fdwname"), "w.fdwoptions")}}},
      {"'foreign server'",
       quoted("f.srvname"),
       "pg_foreign_server AS f JOIN pg_foreign_data_wrapper AS w ON w.oid = f.srvfdw WHERE " +
           not_member("pg_foreign_server", "f.oid"),
       {owner("f.srvowner"),
        privileges("f.srvacl", "S", "f.srvowner"),
        comment("pg_foreign_server", "f.oid"),
        {"wrapper", quoted("w.fdwname")},
        {"type", "f.srvtype"},
        {"version", "f.srvversion"},
        {"options", option_digest(quoted("f.srvname"), "f.srvoptions")}}},
      // The catalog itself can be read by superusers only; the view shows options to those who may see them.
      {"'user mapping'",
       quoted("m.srvname") + " || ' for ' || CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE " + quoted("m.usename") + " END",
       "pg_user_mappings AS m",
       {{"mapped", "'yes'"}, {"options", option_digest("m.srvname || ' ' || m.usename", "m.umoptions")}}}};
}

std::vector<SchemaQuery> text_search() {
  const std::string mappings = fmt::format(
      "(SELECT string_agg(tt.alias || ': ' || x.dictionaries, '; ' ORDER BY tt.alias COLLATE \"C\") FROM (SELECT "
      "m.maptokentype, "
      "string_agg({} || '.' || {}, ', ' ORDER BY m.mapseqno) AS dictionaries FROM pg_ts_config_map AS m JOIN "
      "pg_ts_dict AS d ON d.oid = "
      "m.mapdict JOIN pg_namespace AS s ON s.oid = d.dictnamespace WHERE m.mapcfg = c.oid GROUP BY 1) AS x JOIN "
      "ts_token_type(c.cfgparser) "
      "AS tt ON tt.tokid = x.maptokentype)",
      quoted("s.nspname"), quoted("d.dictname"));
  return {{"'text search configuration'",
           "n.path || '.' || " + quoted("c.cfgname"),
           "pg_ts_config AS c JOIN n ON n.oid = c.cfgnamespace WHERE " + not_member("pg_ts_config", "c.oid"),
           {owner("c.cfgowner"),
            comment("pg_ts_config", "c.oid"),
            {"parser", path_of("pg_ts_parser", "prs", "c.cfgparser")},
            {"mappings", mappings}}},
          {"'text search dictionary'",
           "n.path || '.' || " + quoted("d.dictname"),
           "pg_ts_dict AS d JOIN n ON n.oid = d.dictnamespace WHERE " + not_member("pg_ts_dict", "d.oid"),
           {owner("d.dictowner"),
            comment("pg_ts_dict", "d.oid"),
            {"template", path_of("pg_ts_template", "tmpl", "d.dicttemplate")},
            {"options", "d.dictinitoption"}}}};
}

SchemaQuery security_labels() {
  return {"'security label'",
          "i.type || ' ' || i.identity || ' by ' || l.provider",
          "pg_seclabel AS l CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i",
          {{"label", "l.label"}}};
}

/// Rights on objects of the system or of an extension are facts only where they were changed after the object was made.
SchemaQuery changed_privileges(const std::string& catalog, const std::string& letters, const std::string& kind,
                               const std::string& letter, const std::string& path) {
  const std::string acl = "o." + letters + "acl";
  const std::string usual = fmt::format("acldefault({}, o.{}owner)", letter, letters);
  return {
      fmt::format("'privileges on {} not the user''s own'", kind),
      path,
      fmt::format("{0} AS o LEFT JOIN pg_init_privs AS ip ON ip.objoid = o.oid AND ip.classoid = "
                  "'pg_catalog.{0}'::regclass AND "
                  "ip.objsubid = 0 WHERE {1} IS NOT NULL AND (o.oid < 16384 OR NOT {2}) AND {1} IS DISTINCT FROM "
                  "ip.initprivs AND o.oid <> "
                  "2200",
                  catalog, acl, not_member(catalog, "o.oid")),
      {{"privileges",
        fmt::format("(SELECT CASE WHEN has.list IS DISTINCT FROM usual.list THEN coalesce(has.list, 'nobody') END FROM "
                    "({}) AS has, ({}) AS usual)",
                    privilege_list(acl), privilege_list(fmt::format("coalesce(ip.initprivs, {})", usual)))}}};
}

std::vector<SchemaQuery> all_changed_privileges() {
  const std::string relation_letter = "CASE o.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"";
  return {changed_privileges("pg_class", "rel", "a relation", relation_letter, path_of("pg_class", "rel", "o.oid")),
          changed_privileges("pg_proc", "pro", "a function", "'f'", function_path("o.oid")),
          changed_privileges("pg_type", "typ", "a type", "'T'", path_of("pg_type", "typ", "o.oid")),
          changed_privileges("pg_language", "lan", "a language", "'l'", quoted("o.lanname")),
          changed_privileges("pg_namespace", "nsp", "a schema", "'n'", quoted("o.nspname")),
          changed_privileges("pg_foreign_data_wrapper", "fdw", "a foreign data wrapper", "'F'", quoted("o.fdwname"))};
}

}  // namespace

std::vector<SchemaQuery> database_queries(int server_version) {
  std::vector<SchemaQuery> all = {
      extensions(),     default_privileges(), publications(server_version), publication_tables(server_version),
      event_triggers(), security_labels()};
  if (server_version >= 150000) all.push_back(publication_schemas());
  for (auto& part : {foreign_servers(), text_search(), all_changed_privileges()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

namespace {

struct UnknownKind {
  std::string kind, catalog, condition;
};

std::vector<UnknownKind> unknown_kinds() {
  const std::string in_system =
      " IN (SELECT s.oid FROM pg_namespace AS s WHERE s.nspname IN ('pg_catalog', 'information_schema'))";
  return {
      {"base type", "pg_type",
       "(o.typtype = 'b' OR (o.typtype = 'p' AND NOT o.typisdefined)) AND NOT EXISTS (SELECT FROM pg_type AS e WHERE "
       "e.typarray = o.oid)"},
      {"operator class", "pg_opclass", "true"},
      {"operator family", "pg_opfamily", "true"},
      {"conversion", "pg_conversion", "true"},
      {"text search parser", "pg_ts_parser", "true"},
      {"text search template", "pg_ts_template", "true"},
      {"language", "pg_language", "true"},
      {"access method", "pg_am", "true"},
      {"transform", "pg_transform", "true"},
      {"relation in a system schema", "pg_class", "o.relnamespace" + in_system},
      {"function in a system schema", "pg_proc", "o.pronamespace" + in_system},
      {"type in a system schema", "pg_type", "o.typtype IN ('e', 'd', 'r') AND o.typnamespace" + in_system},
      {"operator in a system schema", "pg_operator", "o.oprnamespace" + in_system},
      {"collation in a system schema", "pg_collation", "o.collnamespace" + in_system},
      {"text search configuration in a system schema", "pg_ts_config", "o.cfgnamespace" + in_system},
      {"text search dictionary in a system schema", "pg_ts_dict", "o.dictnamespace" + in_system},
  };
}

}  // namespace

std::string not_compared_query() {
  // Of subscriptions not everybody may read all columns.
  std::string sql =
      "SELECT 'subscription' AS kind FROM pg_subscription AS o WHERE o.subdbid = (SELECT db.oid FROM pg_database AS db "
      "WHERE db.datname = current_database())";
  for (const UnknownKind& unknown : unknown_kinds()) {
    sql += fmt::format(" UNION ALL SELECT '{}' AS kind FROM {} AS o WHERE o.oid >= 16384 AND {} AND {}", unknown.kind,
                       unknown.catalog, not_member(unknown.catalog, "o.oid"), unknown.condition);
  }
  return "SELECT u.kind, count(*)::text AS number FROM (" + sql + ") AS u GROUP BY u.kind";
}

}  // namespace belay
