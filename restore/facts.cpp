#include "restore/facts.hpp"

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

RestoreFacts read_restore_facts(const Tool& tool, RunContext& context, RestoreSource source, bool from_other_server) {
  RestoreFacts facts{.database = context.database(), .run = tool.run, .server = context.server};
  facts.source = std::move(source);
  facts.from_other_server = from_other_server;
  facts.missing_roles = missing_roles(context.maintenance, facts.source.manifest);
  facts.obstacles = swap_obstacles(context, tool.session());
  if (context.server.database) {
    facts.unreachable_sessions = sessions_beyond_reach(context.maintenance, context.database());
    Connection inside{context.target.url, context.database(), tool.session()};
    facts.target_has_objects = !holds_nothing(inside);
  }
  return facts;
}

}  // namespace belay
