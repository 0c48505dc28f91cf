// Putting the database back by the reversals that the rehearsal has proven: what others wrote stays.
//
// What is true if the process dies: one transaction runs them and deletes this run's rows from the history. Before its
// COMMIT nothing happened; after it the database is as before the run, and `recover` finds no trace but the marker.
#pragma once
#include "migrate/put_back.hpp"

namespace belay {

/// None: it cannot be done this way, which is said, and nothing was changed. Throws unresolved where a COMMIT's outcome
/// cannot be known. No session of this run needs to leave.
[[nodiscard]] std::optional<PutBackReport> put_back_by_reversals(RunContext& context, const Rope& rope,
                                                                 const ApplySettings& settings, Tool& tool,
                                                                 Journal& journal);

}  // namespace belay
