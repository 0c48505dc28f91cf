// Poolers between belay and the server. A run holds advisory locks, settings and open transactions, and all of them
// belong to one server session. A pooler in session mode gives it one for as long as the connection lasts, which is as
// good as none in between. One that hands server sessions on after each transaction or statement gives a run's locks to
// whoever comes next, so that they protect nothing. Which of the two stands there is found out by what it does: no
// setting in a URL says so for certain.
#pragma once
#include "common/connection.hpp"

namespace belay {

enum class Pooling { none, whole_session, handed_on };

/// `db` must not be in a transaction. Without a pooler this is one comparison; behind one, up to three further
/// connections to the same database are opened and closed again. `handed_on` is proven; on a pooler so busy that
/// belay's session was given the same free server session each time, `whole_session` may be wrong. Throws connection,
/// ServerError.
[[nodiscard]] Pooling find_pooling(Connection& db);

/// Throws refused, with what was seen and the way around the pooler, where sessions are handed on.
void refuse_handed_on_sessions(Connection& db);

/// Behind any pooler: sets back what belay's sessions set, so that the pooler's next client does not inherit it.
void give_back_settings(Connection& db);

}  // namespace belay
