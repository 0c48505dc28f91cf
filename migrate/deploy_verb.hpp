// `migrate-production deploy`: the engine alone, as `prisma migrate deploy`. No backup, no guard.
#pragma once
#include "common/run_tool.hpp"
#include "migrate/options.hpp"

namespace belay {

/// Applies the pending migrations, one after the other, up to the first failure, whose row stays as Prisma leaves it.
/// Returns 0. Throws failed if nothing of this run was committed, unresolved if something was: earlier migrations, or a
/// part of the failing one.
[[nodiscard]] int run_deploy(const MigrateOptions& options, Tool& tool);

}  // namespace belay
