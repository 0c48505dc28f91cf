#include "common/copy_statement.hpp"

#include <utility>

#include "common/sql_tokens.hpp"

namespace belay {

namespace {

/// Takes a name. False: there is none.
bool take_name(SqlToken& next, std::string_view& rest, std::string& name) {
  if (!next.is_name() || next.value.empty()) return false;
  name = std::exchange(next, take_sql_token(rest)).value;
  return true;
}

bool take_columns(SqlToken& next, std::string_view& rest, std::vector<std::string>& columns) {
  if (!next.is('(')) return true;
  do {
    next = take_sql_token(rest);
    if (!take_name(next, rest, columns.emplace_back())) return false;
  } while (next.is(','));
  if (!next.is(')')) return false;
  next = take_sql_token(rest);
  return true;
}

}  // namespace

std::optional<CopyStatement> parse_copy_statement(std::string_view statement) {
  std::string_view rest = statement;
  if (!take_sql_token(rest).is_word("copy")) return {};
  CopyStatement copy;
  SqlToken next = take_sql_token(rest);
  if (!take_name(next, rest, copy.table)) return {};
  if (next.is('.')) {
    copy.schema = std::move(copy.table);
    next = take_sql_token(rest);
    if (!take_name(next, rest, copy.table)) return {};
  }
  if (!take_columns(next, rest, copy.columns) || !next.is_word("from")) return {};
  // COPY … FROM stdout means stdin to the server too, but nobody writes it.
  if (!take_sql_token(rest).is_word("stdin") || !take_sql_token(rest).is(';')) return {};
  if (take_sql_token(rest).kind != SqlToken::Kind::end) return {};
  return copy;
}

}  // namespace belay
