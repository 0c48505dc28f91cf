#include "restore/facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/server_space.hpp"

namespace belay {

namespace {

std::vector<std::string> missing_roles(Connection& db, const Manifest& manifest) {
  std::vector<std::string> missing;
  for (const std::string& role : manifest.roles) {
    if (!db.maybe("SELECT 1 FROM pg_roles WHERE rolname = $1", {role})) missing.push_back(role);
  }
  return missing;
}

}  // namespace

std::vector<std::string> swap_obstacles(RunContext& context, const SessionSettings& session) {
  std::vector<std::string> lines;
  for (const Row& row : context.maintenance.rows(
           "SELECT 'prepared transaction ' || gid AS line FROM pg_prepared_xacts WHERE database = $1 UNION ALL"
           " SELECT 'replication slot ' || slot_name FROM pg_replication_slots WHERE database = $1",
           {context.database()})) {
    lines.push_back(row.text("line"));
  }
  if (!context.server.database) return lines;
  Connection inside{context.target.url, context.database(), session};
  for (const Row& row : inside.rows("SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database "
                                    "WHERE datname = current_database())")) {
    lines.push_back("subscription " + row.text("subname"));
  }
  return lines;
}

namespace {

/// What CREATE EXTENSION would say. `inside`: any database, the list is the server's.
std::optional<std::string> extension_problem(Connection& inside, const std::string& name, bool superuser) {
  const std::optional<Row> row = inside.maybe(
      inside.server_version() >= 130000
          ? "SELECT bool_and(v.superuser AND NOT v.trusted) AS needs_superuser FROM "
            "pg_available_extension_versions v JOIN pg_available_extensions e ON e.name = v.name AND "
            "e.default_version = v.version WHERE v.name = $1 GROUP BY v.name"
          : "SELECT bool_and(v.superuser) AS needs_superuser FROM pg_available_extension_versions v WHERE v.name = $1 "
            "GROUP BY v.name",
      {name});
  if (!row) return fmt::format("{}: not installed on this server", name);
  if (row->flag("needs_superuser") && !superuser) return fmt::format("{}: only a superuser may create it", name);
  return std::nullopt;
}

std::vector<std::string> missing_extensions(RunContext& context, const Manifest& manifest) {
  std::vector<std::string> lines;
  for (const std::string& extension : manifest.extensions) {
    const std::string name = extension.substr(0, extension.rfind(' '));  // "pgcrypto 1.3"
    if (std::optional<std::string> line = extension_problem(context.maintenance, name, context.server.superuser))
      lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace

namespace {

std::vector<std::string> other_schemas(Connection& inside, const std::string& named) {
  std::vector<std::string> names;
  for (const Row& row : inside.rows(
           "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', $1) "
           "ORDER BY nspname",
           {named}))
    names.push_back(row.text("nspname"));
  return names;
}

}  // namespace

RestoreFacts read_restore_facts(Tool& tool, RunContext& context, RestoreSource source, const RestoreWishes& wishes) {
  RestoreFacts facts{.database = context.database(), .run = tool.run, .server = context.server};
  facts.source = std::move(source);
  facts.wishes = wishes;
  facts.missing_roles = missing_roles(context.maintenance, facts.source.manifest);
  facts.missing_extensions = missing_extensions(context, facts.source.manifest);
  facts.obstacles = swap_obstacles(context, tool.session());
  if (context.server.database) {
    facts.unreachable_sessions = sessions_beyond_reach(context.maintenance, context.database());
    Connection inside{context.target.url, context.database(), tool.session()};
    facts.target_has_objects = !holds_nothing(inside);
    facts.other_schemas = other_schemas(inside, context.history_schema);
  }
  const Manifest& manifest = facts.source.manifest;
  require_server_space(context.maintenance, wishes.server_free,
                       std::max<Bytes>(manifest.database.size_bytes, manifest.archive.plain_bytes), tool.out);
  return facts;
}

}  // namespace belay
