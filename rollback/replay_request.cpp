#include "rollback/replay_request.hpp"

#include <fmt/format.h>

#include "common/run_lock.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void require_fit(Connection& maintenance, const LiveState& live) {
  const ServerFacts server = read_server_facts(maintenance, maintenance.database());
  if (server.standby || !server.can_create_databases) {
    throw Error{Failure::refused, fmt::format("role \"{}\" may not create databases there (P3014)", server.role),
                "The migrations are replayed in a side database, which the proof needs.",
                fmt::format("ALTER ROLE {} CREATEDB; or name another server with --side-server URL.",
                            quote_identifier(server.role))};
  }
  if (server.major() == live.schema.server_major) return;
  throw Error{Failure::refused,
              fmt::format("the database is on PostgreSQL {}, the server for side databases is {}",
                          live.schema.server_major, server.major()),
              "The schema of one major version cannot be compared with another's.",
              "Name a server of the same major version with --side-server URL."};
}

}  // namespace

SideReplay side_replay(const RollbackOptions& options, RunContext& context, const LiveState& live, Tool& tool) {
  SideReplay side{.sessions = {},
                  .request = {.url = context.target.url,
                              .maintenance = &context.maintenance,
                              .like = live.properties,
                              .extensions = extensions_made_before(applied_migrations(live.migrations), live.schema),
                              .settings = {}}};
  ReplayRequest& request = side.request;
  request.like.owner = live.objects_owner;
  request.settings.schema = context.history_schema;
  if (context.target.url.schema) request.settings.search_path = quote_identifier(context.history_schema);
  const std::optional<DatabaseTarget> place = find_side_server(options.side_server, real_surroundings());
  // The target's own server may be named too: its locks are this run's already.
  if (place && !is_cluster(context.server.system_identifier, place->url, options.common.maintenance_db, tool)) {
    side.sessions.emplace(lock_side_server(place->url, options.common.maintenance_db, context.database(), tool));
    request.url = place->url;
    request.like.tablespace = "pg_default";  // the target's may not exist there, and is no fact of the schema
  }
  require_fit(side.sessions ? side.sessions->maintenance : context.maintenance, live);
  return side;
}

}  // namespace belay
