// What a statement that runs outside a transaction has left in the database, told from the catalog: it commits in the
// middle, so neither "it failed" nor "it was sent" says whether it is done.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/connection.hpp"
#include "common/script.hpp"

namespace belay {

enum class Effect {
  none,    ///< nothing of it is there, or running it once more does no harm: run it (again)
  done,    ///< all of it is there
  half,    ///< an invalid index, or a detach that is not finished: `repair` first
  unknown  ///< a procedure, or a statement whose effect the catalog does not show
};

struct EffectFound {
  Effect effect = Effect::unknown;
  std::vector<std::string> repair;   ///< statements that run on their own, before it is run again
  bool repair_finishes = false;      ///< after the repair it is done, and not run again
  std::vector<std::string> indexes;  ///< valid ones that it built, as "schema"."name"
  std::string words;                 ///< what is there, for people: `index "public"."i" is invalid`
};

/// What has to be known before the statement runs. Names are looked up in `db`'s search_path: the script's session.
[[nodiscard]] nlohmann::ordered_json effect_before(Connection& db, const Statement& statement);
/// What is there now, by any session of the same database. `before`: as effect_before gave it.
[[nodiscard]] EffectFound find_effect(Connection& db, const Statement& statement, const nlohmann::ordered_json& before);

/// The statement that drops an invalid index of the name that CREATE INDEX CONCURRENTLY is about to build on the very
/// table, left by an earlier attempt; empty if there is none. Waits (lock_timeout) until nobody builds it any more.
[[nodiscard]] std::string drop_of_invalid_namesake(Connection& db, const Statement& statement);

/// CREATE INDEX, DROP INDEX, REINDEX … CONCURRENTLY, DETACH … CONCURRENTLY: a lock_timeout in the middle of one leaves
/// it half done, so it gets none.
[[nodiscard]] bool waits_without_lock_timeout(const Statement& statement);
/// True if the statement can share a transaction with its journal after all (ALTER TYPE … ADD VALUE, from PostgreSQL
/// 12).
[[nodiscard]] bool fits_own_transaction(const Statement& statement, int server_version);
/// Which of `indexes` are not there, or not valid.
[[nodiscard]] std::vector<std::string> missing_indexes(Connection& db, const std::vector<std::string>& indexes);

}  // namespace belay
