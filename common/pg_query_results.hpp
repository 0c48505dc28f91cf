// Results of libpg_query, freed whatever happens in between. Only for the files that call it.
#pragma once
#include <pg_query.h>

namespace belay {

template <typename Result, void (*release)(Result)>
class PgQueryOwned {
 public:
  explicit PgQueryOwned(Result result) : result_(result) {}
  ~PgQueryOwned() { release(result_); }
  PgQueryOwned(const PgQueryOwned&) = delete;
  PgQueryOwned& operator=(const PgQueryOwned&) = delete;
  const Result* operator->() const { return &result_; }

 private:
  Result result_;
};
using SplitResult = PgQueryOwned<PgQuerySplitResult, pg_query_free_split_result>;
using ParseResult = PgQueryOwned<PgQueryParseResult, pg_query_free_parse_result>;
using PlpgsqlResult = PgQueryOwned<PgQueryPlpgsqlParseResult, pg_query_free_plpgsql_parse_result>;

}  // namespace belay
