// What a guarded run is told about deploying, verifying, and what to run around it.
#pragma once
#include "migrate/options.hpp"

namespace belay {

void add_verify_options(OptionSet& set, MigrateOptions& options);
/// All of them belong to the guarded run alone.
void name_verify_verbs(OptionSet& set);
/// Throws usage for options that contradict each other.
void check_verify_options(const MigrateOptions& options);

}  // namespace belay
