#include "restore/rebuild.hpp"

#include <spdlog/spdlog.h>

#include <thread>

#include "common/error.hpp"
#include "common/interrupt.hpp"

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
      const auto* server = dynamic_cast<const ServerError*>(&error);
      const bool broken = error.kind == Failure::connection || (server != nullptr && server->connection_lost);
      if (!broken || std::chrono::steady_clock::now() >= deadline) throw;
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

Proof build_side(Connection& maintenance, const RebuildRequest& r, Tool& tool, Journal& journal) {
  journal.record("restoring", {{"side", r.load.side}, {"archive", r.load.archive.string()}});
  const Marker marker = at_step(r.marker, "restoring");
  if (r.side_exists) {
    mark(maintenance, r.load.side, marker);
  } else {
    create_side_database(maintenance, r.load.side, r.load.manifest->database, marker);
  }
  try {
    if (!r.side_exists) require_properties_settable(maintenance, r.load.side, r.properties);
    load_archive(r.load, tool);
    Proof proof = prove_equal(r.load, tool);
    mark(maintenance, r.load.side, at_step(r.marker, "verified"));
    journal.record("verified", {{"side", r.load.side}, {"rows", proof.rows}});
    return proof;
  } catch (const std::exception&) {
    if (!r.side_exists) drop_quietly(maintenance, r.load.side);
    throw;
  }
}

RebuildReport swap_in(Connection& maintenance, const RebuildRequest& r, const Proof& proof, Tool& tool,
                      Journal& journal) {
  journal.record("swapping", {{"side", r.load.side}, {"kept", r.kept.value_or("")}});
  SwapRequest swap{.target = r.target,
                   .side = r.load.side,
                   .kept = r.kept,
                   .kept_marker = kept_marker(r),
                   .properties = r.properties};
  RebuildReport report{.proof = proof};
  try {
    report.swap = swap_databases(maintenance, swap);
  } catch (const Error& error) {
    // Not swapped: the target is as it was, and what was built for it goes, unless it is a put-back's, which is tried
    // again.
    if (!r.side_exists && error.kind != Failure::unresolved) drop_quietly(maintenance, r.load.side);
    throw;
  }
  // The swap is committed: whatever cannot be looked at now is said, and fails nothing.
  try {
    look_until_answered([&] {
      if (!maintenance.usable())
        maintenance = Connection{maintenance.url(), maintenance.database(), maintenance.settings()};
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
