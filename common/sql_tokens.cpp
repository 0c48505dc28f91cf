#include "common/sql_tokens.hpp"

#include <algorithm>

namespace belay {

namespace {

SqlToken take_quoted(std::string_view& rest, char quote) {
  SqlToken token{quote == '"' ? SqlToken::Kind::identifier : SqlToken::Kind::text, {}};
  for (bool open = true; open;) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(quote), rest.size());
    token.value += rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    open = rest.starts_with(quote);  // a doubled quote stands for one
    if (open) token.value += quote;
  }
  return token;
}

}  // namespace

SqlToken take_sql_token(std::string_view& rest) {
  while (!rest.empty() && is_sql_space(rest.front())) rest.remove_prefix(1);
  if (rest.empty()) return {};
  const char first = rest.front();
  if (first == '"' || first == '\'') return take_quoted(rest, first);
  if (!is_sql_word_start(first)) {
    rest.remove_prefix(1);
    return {SqlToken::Kind::other, std::string(1, first)};
  }
  const char* const end = sql_word_end(rest.data(), rest.data() + rest.size());
  SqlToken token{SqlToken::Kind::word, std::string(rest.data(), end)};
  std::transform(token.value.begin(), token.value.end(), token.value.begin(), sql_lower);
  rest.remove_prefix(token.value.size());
  return token;
}

}  // namespace belay
