// One transaction in the side database. What is true if the process dies: the side database is not finished, and is
// removed by the next run; nothing else was changed.
#include "restore/adopt_owners.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

#include "common/error.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t most_refused = 20;

struct OwnedObject {
  std::string alter;  ///< TABLE "public"."orders", as ALTER … OWNER TO takes it; empty: it follows its table
  std::string grant;  ///< TABLE "public"."orders", as GRANT … ON takes it
  std::string owner;
  bool default_privileges = true;
  std::string privileges;  ///< as the catalog prints them
  std::string shown;
};
/// By catalog and name, so that an object finds its like in another database.
using OwnedObjects = std::map<std::string, OwnedObject>;

constexpr const char* owned_query = R"sql(
WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'), place AS (
  SELECT oid, pg_catalog.quote_ident(nspname) AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), object AS (
  SELECT 'schema' AS class, 'pg_namespace'::regclass AS classid, n.oid, p.name, 'SCHEMA' AS alter, 'SCHEMA' AS grant,
    n.nspowner AS owner, n.nspacl AS acl FROM pg_namespace n JOIN place p ON p.oid = n.oid
  UNION ALL SELECT 'relation', 'pg_class'::regclass, c.oid, p.name || '.' || pg_catalog.quote_ident(c.relname),
    CASE WHEN c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')) THEN ''
      ELSE CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE'
      ELSE 'TABLE' END END, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relowner, c.relacl
    FROM pg_class c JOIN place p ON p.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL SELECT 'routine', 'pg_proc'::regclass, f.oid, p.name || '.' || pg_catalog.quote_ident(f.proname) || '(' ||
    pg_catalog.pg_get_function_identity_arguments(f.oid) || ')', 'ROUTINE', 'ROUTINE', f.proowner, f.proacl
    FROM pg_proc f JOIN place p ON p.oid = f.pronamespace
    WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = f.oid AND d.deptype = 'i')
  UNION ALL SELECT 'type', 'pg_type'::regclass, t.oid, p.name || '.' || pg_catalog.quote_ident(t.typname), 'TYPE', 'TYPE',
    t.typowner, t.typacl FROM pg_type t JOIN place p ON p.oid = t.typnamespace
    WHERE (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
      AND t.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
)
SELECT o.class, o.name, o.alter, o.grant, pg_catalog.pg_get_userbyid(o.owner) AS owner, o.acl IS NULL AS usual,
  coalesce(o.acl::text, '') AS acl FROM object o
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = o.classid AND m.objid = o.oid)
)sql";

/// What was granted, an entry a row, in the catalog's order; a column's with its name.
constexpr const char* grants_query = R"sql(
WITH place AS (SELECT oid, pg_catalog.quote_ident(nspname) AS name FROM pg_namespace
  WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'), object AS (
  SELECT 'schema ' || p.name AS key, NULL::name AS part, n.nspacl AS acl FROM pg_namespace n JOIN place p ON p.oid = n.oid
  UNION ALL SELECT 'relation ' || p.name || '.' || pg_catalog.quote_ident(c.relname), NULL, c.relacl
    FROM pg_class c JOIN place p ON p.oid = c.relnamespace
  UNION ALL SELECT 'relation ' || p.name || '.' || pg_catalog.quote_ident(c.relname), a.attname, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN place p ON p.oid = c.relnamespace WHERE NOT a.attisdropped
  UNION ALL SELECT 'routine ' || p.name || '.' || pg_catalog.quote_ident(f.proname) || '(' ||
    pg_catalog.pg_get_function_identity_arguments(f.oid) || ')', NULL, f.proacl FROM pg_proc f JOIN place p ON p.oid = f.pronamespace
  UNION ALL SELECT 'type ' || p.name || '.' || pg_catalog.quote_ident(t.typname), NULL, t.typacl
    FROM pg_type t JOIN place p ON p.oid = t.typnamespace
)
SELECT o.key, o.part, x.privilege_type AS privilege, x.is_grantable AS grantable,
  CASE x.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(x.grantee) END AS grantee
FROM object o, pg_catalog.aclexplode(o.acl) WITH ORDINALITY x (grantor, grantee, privilege_type, is_grantable, place)
WHERE o.acl IS NOT NULL ORDER BY o.key, o.part, x.place
)sql";

OwnedObjects read_owned(Connection& db) {
  OwnedObjects objects;
  for (const Row& row : db.rows(owned_query)) {
    const std::string& alter = row.text("alter");
    objects[row.text("class") + " " + row.text("name")] = {
        .alter = alter.empty() ? "" : alter + " " + row.text("name"),
        .grant = row.text("grant") + " " + row.text("name"),
        .owner = row.text("owner"),
        .default_privileges = row.flag("usual"),
        .privileges = row.text("acl"),
        .shown = fmt::format("{} {}", row.text("class"), row.text("name"))};
  }
  return objects;
}

class Adoption {
 public:
  Adoption(const LoadRequest& load, const std::optional<std::string>& target, Tool& tool)
      : load_(load),
        tool_(tool),
        side_(load.url, load.side, pinned_session(load, tool)),
        side_objects_(read_owned(side_)) {
    if (!target) return;
    present_.emplace(load.url, *target, pinned_session(load, tool));
    present_objects_ = read_owned(*present_);
  }

  [[nodiscard]] std::string own_role() { return side_.value("SELECT current_user"); }
  [[nodiscard]] bool has_examples() const { return present_objects_.size() > 1; }  // more than a schema public

  /// Everything to one role.
  void give_all_to(const std::string& role) {
    in_transaction([&] {
      for (const char* step : steps) {
        for (const auto& [key, object] : side_objects_) {
          if (key.starts_with(step)) set_owner(object, role);
        }
      }
    });
  }

  /// Owners and grants of the present database's objects of the same name.
  void take_over() {
    std::vector<std::string> without;
    in_transaction([&] {
      for (const char* step : steps) take_over_step(step, without);
      take_over_columns();
    });
    say(without,
        "The dump names no owner, and the present database has nothing of the same name. This belongs to the role that "
        "restores now, without grants:");
  }

  /// What somebody may do with the present database's objects, and nobody could with the restored ones.
  void say_lost_grants() {
    std::vector<std::string> lost;
    for (const auto& [key, object] : side_objects_) {
      const auto present = present_objects_.find(key);
      if (present != present_objects_.end() && !present->second.default_privileges && object.default_privileges)
        lost.push_back(object.shown);
    }
    say(lost, "The dump has no grants at all. These have some in the present database, and will have none:");
  }

 private:
  /// In this order: who is to own a table needs rights in its schema.
  static constexpr std::array<const char*, 4> steps{"schema ", "relation ", "routine ", "type "};

  template <class Work>
  void in_transaction(const Work& work) {
    try {
      Transaction transaction{side_};
      work();
      transaction.commit();
    } catch (const ServerError& error) {
      throw Error{Failure::failed, "could not give the restored objects their owners and grants",
                  error.detail + "\nStatement: " + error.statement,
                  "Run as a role that may (a member of all the owners, or a superuser), or name one owner for all with "
                  "--owner ROLE; nothing was changed."};
    }
  }

  void take_over_step(const std::string& step, std::vector<std::string>& without) {
    for (const auto& [key, object] : side_objects_) {
      if (!key.starts_with(step)) continue;
      const auto present = present_objects_.find(key);
      if (present == present_objects_.end()) {
        without.push_back(object.shown);
        continue;
      }
      set_owner(object, present->second.owner);
      if (!load_.foreign->has_grants) grant(key, object, present->second);
    }
  }

  void set_owner(const OwnedObject& object, const std::string& role) {
    if (object.alter.empty() || object.owner == role) return;
    side_.run(fmt::format("ALTER {} OWNER TO {}", object.alter, quote_identifier(role)));
  }

  void grant(const std::string& key, const OwnedObject& object, const OwnedObject& present) {
    if (present.default_privileges || present.privileges == object.privileges) return;
    side_.run(fmt::format("REVOKE ALL ON {} FROM PUBLIC, {}", object.grant, quote_identifier(present.owner)));
    const auto [first, last] = grants().equal_range(key);
    for (auto at = first; at != last; ++at) {
      if (!at->second.cell("part")) grant_one(at->second, object, "");
    }
  }

  void take_over_columns() {
    if (load_.foreign->has_grants) return;
    for (const auto& [key, row] : grants()) {
      const auto object = side_objects_.find(key);
      if (row.cell("part") && object != side_objects_.end())
        grant_one(row, object->second, " (" + quote_identifier(row.text("part")) + ")");
    }
  }

  void grant_one(const Row& row, const OwnedObject& object, const std::string& columns) {
    const Cell& grantee = row.cell("grantee");
    side_.run(fmt::format("GRANT {}{} ON {} TO {}{}", row.text("privilege"), columns, object.grant,
                          grantee ? quote_identifier(*grantee) : "PUBLIC",
                          row.flag("grantable") ? " WITH GRANT OPTION" : ""));
  }

  const std::multimap<std::string, Row>& grants() {
    if (!grants_) {
      grants_.emplace();
      for (const Row& row : present_->rows(grants_query)) grants_->emplace(row.text("key"), row);
    }
    return *grants_;
  }

  void say(const std::vector<std::string>& list, const std::string& what) {
    if (list.empty()) return;
    tool_.out.warn(what);
    for (std::size_t i = 0; i < std::min(most_refused, list.size()); ++i) tool_.out.note("  " + list[i]);
    if (list.size() > most_refused) tool_.out.note(fmt::format("  and {} more", list.size() - most_refused));
  }

  const LoadRequest& load_;
  Tool& tool_;
  Connection side_;
  std::optional<Connection> present_;
  OwnedObjects side_objects_, present_objects_;
  std::optional<std::multimap<std::string, Row>> grants_;
};

}  // namespace

void adopt_owners(const LoadRequest& load, const std::optional<std::string>& target, Tool& tool) {
  Adoption adoption{load, target, tool};
  if (load.ownership.changes_owners()) {
    adoption.give_all_to(load.ownership.owner.value_or(adoption.own_role()));
  } else if (load.foreign->names_owners) {
    if (!load.foreign->has_grants) adoption.say_lost_grants();
  } else if (target && adoption.has_examples()) {
    adoption.take_over();
  } else {
    tool.out.note("The dump names no owners: everything in it belongs to the role that restores now.");
  }
}

}  // namespace belay
