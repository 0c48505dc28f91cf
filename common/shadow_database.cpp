#include "common/shadow_database.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/side_database.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

/// Which database of which server, whatever names lead there. Not every role may read the system identifier.
std::string identity_of(Connection& db) {
  return db.value(
      "SELECT concat_ws(' ', pg_postmaster_start_time(), coalesce(inet_server_addr()::text, ''), "
      "current_setting('port'), (SELECT oid FROM pg_database WHERE datname = current_database()))");
}

/// Statements that drop what holds other things, then what is left in schemas that were there before.
std::vector<std::string> drops(Connection& db) {
  std::vector<std::string> statements;
  for (const Row& row : db.rows(
           "SELECT 'DROP EVENT TRIGGER IF EXISTS ' || quote_ident(evtname) FROM pg_event_trigger WHERE oid >= 16384 "
           "UNION ALL SELECT 'DROP PUBLICATION IF EXISTS ' || quote_ident(pubname) FROM pg_publication "
           "UNION ALL SELECT 'DROP EXTENSION IF EXISTS ' || quote_ident(extname) || ' CASCADE' FROM pg_extension "
           "WHERE oid >= 16384 "
           "UNION ALL SELECT 'DROP FOREIGN DATA WRAPPER IF EXISTS ' || quote_ident(fdwname) || ' CASCADE' FROM "
           "pg_foreign_data_wrapper WHERE oid >= 16384 "
           "UNION ALL SELECT 'DROP SCHEMA IF EXISTS ' || quote_ident(nspname) || ' CASCADE' FROM pg_namespace WHERE "
           "oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_' "
           "UNION ALL SELECT 'SELECT lo_unlink(' || oid || ')' FROM pg_largeobject_metadata"))
    statements.push_back(row.text(0));
  return statements;
}

std::vector<std::string> drops_in_old_schemas(Connection& db) {
  std::vector<std::string> statements;
  for (const Row& row : db.rows(
           "SELECT CASE WHEN o.type IN ('function', 'procedure', 'aggregate') THEN 'routine' WHEN o.type = 'composite "
           "type' THEN 'type' WHEN o.type = 'statistics object' THEN 'statistics' ELSE o.type END AS type, o.identity "
           "FROM pg_depend d JOIN pg_namespace n ON n.oid = d.refobjid AND d.refclassid = 'pg_namespace'::regclass, "
           "LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o WHERE d.deptype = 'n' AND n.nspname !~ "
           "'^pg_' AND n.oid < 16384 AND d.objid >= 16384 AND o.identity IS NOT NULL AND o.type <> 'default acl'"))
    statements.push_back(fmt::format("DROP {} IF EXISTS {} CASCADE", row.text("type"), row.text("identity")));
  return statements;
}

}  // namespace

ShadowDatabase::ShadowDatabase(const DatabaseUrl& url, const SessionSettings& session, Connection& target)
    : inside_(url, url.database, session) {
  if (identity_of(inside_) == identity_of(target)) {
    throw Error{Failure::refused, fmt::format("\"{}\" is the database itself, not a shadow database", name()),
                "Migrations are replayed in the shadow database, and everything in it is dropped afterwards.",
                "Name another, empty one with --side-server URL."};
  }
  if (inside_.value("SELECT pg_try_advisory_lock(hashtextextended('belay shadow database', 0))") != "t") {
    throw Error{Failure::refused,
                fmt::format("another run of belay uses the shadow database \"{}\"", name()),
                {},
                "Wait for it."};
  }
  if (holds_nothing(inside_)) return;
  throw Error{Failure::refused, fmt::format("the shadow database \"{}\" is not empty", name()),
              "Everything in it would be dropped after the replay, so it has to be empty before.",
              "Name an empty database with --side-server URL; or one of a role that may create databases (CREATEDB)."};
}

void ShadowDatabase::empty() {
  const InterruptShield shield;
  fault_point("shadow: replayed");
  for (const std::string& sql : drops(inside_)) inside_.run(sql);
  for (const std::string& sql : drops_in_old_schemas(inside_)) inside_.run(sql);
  if (holds_nothing(inside_)) return;
  throw Error{Failure::failed, fmt::format("could not empty the shadow database \"{}\"", name()),
              "The database that was compared is untouched.", "Drop what is left there by hand before the next run."};
}

}  // namespace belay
