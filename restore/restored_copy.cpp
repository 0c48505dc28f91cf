#include "restore/restored_copy.hpp"

#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "common/fault_point.hpp"
#include "common/interrupt.hpp"
#include "common/server_facts.hpp"
#include "common/side_database.hpp"

namespace belay {

RestoredCopy::RestoredCopy(const CopyRequest& request, Tool& tool)
    : maintenance_(request.maintenance), tool_(tool), name_(side_name(request.target, SideKind::spare, tool.run)) {
  const Marker marker{.run = tool.run,
                      .tool = tool.name,
                      .step = step_of_a_trial,
                      .host = this_host(),
                      .target = request.target,
                      .kind = SideKind::spare,
                      .target_comment = {},
                      .details = {{"archive", request.source.shown}}};
  try {
    there_ = true;  // from here on it may be: an interruption does not say whether CREATE DATABASE was done
    create_side_database(maintenance_, name_, request.source.manifest.database, marker);
    fault_point("copy: created");
    load(request);
  } catch (const ServerError& error) {
    drop();
    if (error.connection_lost) throw Error{Failure::connection, "lost the connection to the server", error.detail};
    throw Error{Failure::refused, "could not create a side database for a copy of the backup", error.detail};
  } catch (...) {
    drop();  // no destructor runs for what was never whole
    throw;
  }
}

void RestoredCopy::load(const CopyRequest& request) {
  const ServerFacts server = read_server_facts(maintenance_, maintenance_.database());
  const Manifest& manifest = request.source.manifest;
  const LoadRequest load{
      .url = request.url,
      .side = name_,
      .archive = request.source.archive,
      .manifest = &manifest,
      .loader = find_loader(tool_.processes, manifest.archive.format, server.major(), request.pg_bin),
      .server_version = server.version,
      .jobs = default_jobs()};
  load_archive(load, tool_);
  analyze_side(load, tool_);
  proof_ = prove_equal(load, tool_);
}

RestoredCopy::~RestoredCopy() {
  if (!there_) return;
  try {
    drop();
  } catch (const std::exception& error) {
    spdlog::warn("could not drop {}: {}; the next run will", name_, error.what());
  }
}

void RestoredCopy::drop() {
  if (!there_) return;
  const InterruptShield shield;  // Ctrl-C may be why we are here
  there_ = false;
  drop_side_database(maintenance_, name_);
}

}  // namespace belay
