#include "restore/rebuild.hpp"

#include <spdlog/spdlog.h>

#include <thread>

#include "common/error.hpp"
#include "common/interrupt.hpp"
#include "restore/adopt_owners.hpp"
#include "restore/foreign_proof.hpp"

namespace belay {

namespace {

constexpr std::chrono::seconds answer_patience{30};

Marker at_step(Marker marker, const std::string& step) {
  marker.step = step;
  return marker;
}

Marker kept_marker(const RebuildRequest& r) {
  Marker marker = at_step(r.marker, "kept");
  marker.kind = r.kept_kind;
  return marker;
}

void drop_quietly(Connection& maintenance, const std::string& side) {
  const InterruptShield shield;  // Ctrl-C is why we may be here
  try {
    drop_side_database(maintenance, side);
  } catch (const std::exception& error) {
    spdlog::warn("could not drop {}: {}; recover will", side, error.what());
  }
}

}  // namespace

void look_until_answered(const std::function<void()>& look) {
  const auto deadline = std::chrono::steady_clock::now() + answer_patience;
  for (;;) {
    try {
      return look();
    } catch (const Error& error) {
      if (!is_lost_connection(error) || std::chrono::steady_clock::now() >= deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
  }
}

void require_properties_settable(Connection& maintenance, const std::string& side,
                                 const DatabaseProperties& properties) {
  try {
    Transaction trial{maintenance};
    apply_properties(maintenance, side, properties);
    trial.rollback();
  } catch (const ServerError& error) {
    throw Error{Failure::refused, "this role could not give a restored database its owner, privileges and settings",
                error.detail + "\nStatement: " + error.statement,
                "Run as a role that may (the database's owner with CREATEDB, or a superuser); nothing was changed."};
  }
}

SideBuild::SideBuild(Connection& maintenance, const RebuildRequest& request, Tool& tool, Journal& journal)
    : maintenance_(maintenance), request_(request), tool_(tool), journal_(journal) {
  journal.record("restoring", {{"side", request.load.side}, {"archive", request.load.archive.string()}});
  const Marker marker = at_step(request.marker, "restoring");
  if (request.side_exists) {
    mark(maintenance, request.load.side, marker);
    return;
  }
  create(marker);
  ours_ = true;
  try {
    require_reachable();
    require_properties_settable(maintenance, request.load.side, request.properties);
  } catch (const std::exception&) {
    drop_quietly(maintenance, request.load.side);
    throw;
  }
}

SideBuild::~SideBuild() {
  if (ours_) drop_quietly(maintenance_, request_.load.side);
}

void SideBuild::create(const Marker& marker) {
  DatabaseProperties like = request_.load.manifest->database;
  if (request_.load.ownership.changes_owners()) like.owner = request_.properties.owner;
  try {
    create_side_database(maintenance_, request_.load.side, like, marker);
  } catch (const ServerError& error) {
    if (error.connection_lost) throw;
    throw Error{Failure::refused, fmt::format("could not create the side database \"{}\"", request_.load.side),
                error.primary + "\nStatement: " + error.statement,
                "Nothing was changed. The server has to know the backup's encoding, locale and tablespace."};
  }
}

void SideBuild::require_reachable() const {
  try {
    const Connection inside{request_.load.url, request_.load.side, tool_.session()};
  } catch (const Error& error) {
    if (error.kind != Failure::connection) throw;
    throw Error{Failure::refused,
                fmt::format("the side database \"{}\" was made, but cannot be connected to", request_.load.side),
                error.detail,
                "pg_hba.conf, or a pooler in between, may know only the target. Let this role into databases of that "
                "name, or name the server itself in the URL. Nothing was changed."};
  }
}

void SideBuild::load() {
  load_archive(request_.load, tool_);
  if (request_.load.foreign || request_.load.ownership.changes_owners())
    adopt_owners(request_.load, request_.kept ? std::optional{request_.target} : std::nullopt, tool_);
  analyze_side(request_.load, tool_);
}

Proof SideBuild::prove() {
  Proof proof = request_.load.foreign ? prove_foreign(request_.load, tool_) : prove_equal(request_.load, tool_);
  mark(maintenance_, request_.load.side, at_step(request_.marker, "verified"));
  journal_.record("verified", {{"side", request_.load.side}, {"rows", proof.rows}});
  ours_ = false;
  return proof;
}

Proof build_side(Connection& maintenance, const RebuildRequest& r, Tool& tool, Journal& journal) {
  SideBuild side{maintenance, r, tool, journal};
  side.load();
  return side.prove();
}

RebuildReport swap_in(Connection& maintenance, const RebuildRequest& r, const Proof& proof, Tool& tool,
                      Journal& journal) {
  SwapRequest swap{.target = r.target,
                   .side = r.load.side,
                   .kept = r.kept,
                   .kept_marker = kept_marker(r),
                   .kept_clause = r.kept_clause,
                   .witness = r.witness,
                   .properties = r.properties};
  RebuildReport report{.proof = proof, .kept = r.kept};
  try {
    journal.record("swapping", {{"side", r.load.side}, {"kept", r.kept.value_or("")}});
    report.swap = r.guard != nullptr ? r.guard->swap(maintenance, swap) : swap_databases(maintenance, swap);
  } catch (const Error& error) {
    // Not swapped: the target is as it was, and what was built for it goes, unless it is a put-back's, which is tried
    // again.
    if (!r.side_exists && error.kind != Failure::unresolved) drop_quietly(maintenance, r.load.side);
    throw;
  }
  if (!report.swap.done) return report;
  // The swap is committed: whatever cannot be looked at now is said, and fails nothing.
  try {
    look_until_answered([&] {
      if (!maintenance.usable())
        maintenance = Connection{maintenance.url(), maintenance.database(), maintenance.settings()};
      report.lsn = maintenance.value("SELECT pg_current_wal_lsn()");
      Connection inside{r.load.url, r.target, tool.session()};
      report.replicas = static_cast<int>(inside.one("SELECT count(*) AS n FROM pg_stat_replication").number("n"));
      report.property_differences = compare_properties(r.properties, read_properties(inside, r.target).value());
    });
  } catch (const Error& error) {
    report.property_differences = {"the new database was not looked at after the swap: " + error.message};
  }
  journal.record("swapped", {{"kept", r.kept.value_or("")}, {"attempts", report.swap.attempts}});
  return report;
}

}  // namespace belay
