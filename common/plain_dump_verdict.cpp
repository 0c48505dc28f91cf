#include "common/plain_dump_verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/ascii.hpp"
#include "common/dump_encoding.hpp"
#include "common/plain_dump_refusal.hpp"
#include "common/sql_tokens.hpp"

namespace belay {

namespace {

using Kind = DumpVerdict::Kind;
using Tokens = std::vector<SqlToken>;

/// No rule looks at more tokens than these, but those that need a whole statement.
constexpr std::size_t enough_tokens = 10;
/// With fewer than these a rule could be led astray: DROP /* half a megabyte */ DATABASE.
constexpr std::size_t least_tokens = 5;

/// The statement's first tokens; fewer than enough_tokens only if there are no more in `text`. One at the end of the
/// text may be cut.
Tokens first_tokens(std::string_view text) {
  Tokens tokens;
  while (tokens.size() < enough_tokens) {
    tokens.push_back(take_sql_token(text));
    if (tokens.back().kind == SqlToken::Kind::end) break;
  }
  while (tokens.size() < enough_tokens) tokens.emplace_back();  // so that no rule has to ask
  return tokens;
}

bool is_one_of(const SqlToken& token, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return token.is_word(word); });
}

DumpVerdict refused(std::string why) { return {.kind = Kind::refuse, .what = std::move(why)}; }

/// Things that belong to the server, not to one database; and databases, which the dump names as they were called
/// where it was made: here that may be the live one.
bool is_of_the_server(const SqlToken& kind, const SqlToken& name) {
  if (kind.is_word("user")) return !name.is_word("mapping");
  return is_one_of(kind, {"database", "role", "group", "tablespace", "system"});
}

DumpVerdict leave_out(const SqlToken& verb, const SqlToken& kind) {
  return {.kind = Kind::leave_out, .what = upper(fmt::format("{} {}", verb.value, kind.value))};
}

DumpVerdict leave_out_on(const SqlToken& verb, const SqlToken& kind) {
  return {.kind = Kind::leave_out, .what = upper(fmt::format("{} on {}", verb.value, kind.value))};
}

// ---- CREATE, ALTER, DROP, COMMENT, SECURITY LABEL ----

DumpVerdict judge_foreign_table(const Tokens& t) {
  std::size_t at = 3;
  if (t[at].is_word("if")) at += 3;  // not exists
  DumpVerdict verdict{.kind = Kind::foreign_table};
  verdict.copy.table = t[at].value;
  if (t[at + 1].is('.')) {
    verdict.copy.schema = t[at].value;
    verdict.copy.table = t[at + 2].value;
  }
  return t[at].is_name() ? verdict : DumpVerdict{};
}

/// ALTER … name OWNER TO role. The arguments of a function may hide it behind the tokens that are looked at.
DumpVerdict note_owner(const Tokens& t) {
  for (std::size_t at = 3; at + 2 < t.size(); ++at) {
    if (t[at].is_word("owner") && t[at + 1].is_word("to") && t[at + 2].is_name())
      return {.note = DumpVerdict::Note::sets_owner, .owner = t[at + 2].value};
  }
  return {};
}

/// CREATE [UNLOGGED] TABLE
bool creates_table(const Tokens& t) {
  return t[0].is_word("create") && t[t[1].is_word("unlogged") ? 2 : 1].is_word("table");
}

DumpVerdict judge_definition(const Tokens& t) {
  if (is_of_the_server(t[1], t[2])) return leave_out(t[0], t[1]);
  if (t[0].is_word("drop") && t[1].is_word("owned")) return leave_out(t[0], t[1]);
  if (t[0].is_word("create") && t[1].is_word("foreign") && t[2].is_word("table")) return judge_foreign_table(t);
  if (creates_table(t)) return {.note = DumpVerdict::Note::creates_table};
  return t[0].is_word("alter") ? note_owner(t) : DumpVerdict{};
}

/// COMMENT ON …, SECURITY LABEL [FOR provider] ON …
DumpVerdict judge_note(const Tokens& t) {
  const std::size_t on = t[0].is_word("comment") ? 1 : t[2].is_word("for") ? 4 : 2;
  return t[on].is_word("on") && is_of_the_server(t[on + 1], t[on + 2]) ? leave_out_on(t[0], t[on + 1]) : DumpVerdict{};
}

// ---- GRANT, REVOKE ----

/// GRANT role TO …, or … ON DATABASE, TABLESPACE, PARAMETER.
DumpVerdict judge_grant(std::string_view text) {
  const SqlToken verb = take_sql_token(text);
  int parens = 0;
  for (SqlToken t = take_sql_token(text); t.kind != SqlToken::Kind::end; t = take_sql_token(text)) {
    parens += t.is('(') ? 1 : t.is(')') ? -1 : 0;
    if (parens > 0) continue;
    if (t.is_word("to") || t.is_word("from"))
      return {.kind = Kind::leave_out, .what = upper(verb.value) + " of a role"};
    if (!t.is_word("on")) continue;
    const SqlToken kind = take_sql_token(text);
    return is_one_of(kind, {"database", "tablespace", "parameter"}) ? leave_out_on(verb, kind)
                                                                    : DumpVerdict{.note = DumpVerdict::Note::grants};
  }
  return {};
}

// ---- SET, RESET ----

DumpVerdict judge_encoding(const SqlToken& value) {
  if (value.kind != SqlToken::Kind::text && !value.is_name()) return refused("It sets an encoding that is not known.");
  return {.kind = Kind::encoding, .what = encoding_name(value.value)};
}

DumpVerdict judge_standard_strings(const SqlToken& value) {
  const std::string setting = lower(value.value);
  if (setting == "on" || setting == "true") return {.kind = Kind::standard_strings, .what = "on"};
  if (setting == "off" || setting == "false") return {.kind = Kind::standard_strings, .what = "off"};
  return refused("It sets standard_conforming_strings to something that is neither on nor off.");
}

DumpVerdict judge_setting(const std::string& name, const SqlToken& value, const SqlToken& after) {
  if (name == "search_path")
    return {.kind = Kind::search_path, .what = value.is_word("default") ? std::string() : value.value};
  if (name != "client_encoding" && name != "standard_conforming_strings") return {};
  if (!after.is(';')) return refused("It sets how the dump is to be read in a way that is not known.");
  return name == "client_encoding" ? judge_encoding(value) : judge_standard_strings(value);
}

/// SET [SESSION | LOCAL] name {= | TO} value, SET NAMES value.
DumpVerdict judge_set(const Tokens& t) {
  const bool scoped = is_one_of(t[1], {"session", "local"}) && (t[2].is_name());
  const std::size_t at = scoped ? 2 : 1;
  if (t[at].is_word("names")) return judge_setting("client_encoding", t[at + 1], t[at + 2]);
  if (t[at].is_word("u") && t[at + 1].is('&')) return refused("It sets something whose name is written in escapes.");
  const std::string name = lower(t[at].value);  // parameters' names are not case-sensitive, quoted or not
  const DumpVerdict verdict = judge_setting(name, t[at + 2], t[at + 3]);
  const bool read_by_psql = verdict.kind == Kind::encoding || verdict.kind == Kind::standard_strings;
  if (read_by_psql && t[1].is_word("local")) return refused("It sets how the dump is to be read for one transaction.");
  return verdict;
}

/// What it resets to is the server's to say.
DumpVerdict judge_reset(const Tokens& t) {
  const std::string name = lower(t[1].value);
  const bool hidden = t[1].is_word("u") && t[2].is('&');
  if (hidden || name == "all" || name == "client_encoding" || name == "standard_conforming_strings")
    return refused("It resets how the dump is to be read.");
  return {};
}

// ---- SELECT of a function ----

constexpr std::array<std::string_view, 3> large_object_functions{"lo_open", "lowrite", "lo_close"};

/// The token with the function's name in SELECT [pg_catalog.]f(…); none if that is not what it is.
std::optional<std::size_t> called_function(const Tokens& t) {
  const std::size_t at = t[1].is_name() && t[1].value == "pg_catalog" && t[2].is('.') ? 3 : 1;
  if (!t[at].is_name() || !t[at + 1].is('(')) return {};
  return at;
}

std::optional<DumpVerdict> judge_select(const Tokens& t, StatementText how_much) {
  const std::optional<std::size_t> function = called_function(t);
  if (!function) return DumpVerdict{};
  const std::string& name = t[*function].value;
  if (std::find(large_object_functions.begin(), large_object_functions.end(), name) != large_object_functions.end()) {
    if (how_much == StatementText::partial) return {};
    return DumpVerdict{.kind = Kind::large_object};
  }
  if (name != "set_config" || *function + 4 >= t.size()) return DumpVerdict{};
  const std::string setting = lower(t[*function + 2].value);
  if (setting == "client_encoding" || setting == "standard_conforming_strings")
    return refused("It sets how the dump is to be read by a function.");
  if (setting == "search_path") return DumpVerdict{.kind = Kind::search_path, .what = t[*function + 4].value};
  return DumpVerdict{};
}

// ---- others ----

DumpVerdict judge_copy(std::string_view text, StatementText how_much) {
  if (how_much == StatementText::too_long) return refused("The COPY statement is too long.");
  std::optional<CopyStatement> copy = parse_copy_statement(text);
  if (!copy)
    return refused(fmt::format("Only COPY … FROM stdin without options can be read, as pg_dump writes it: {}",
                               shown_beginning(text)));
  return {.kind = Kind::copy, .copy = *std::move(copy)};
}

DumpVerdict judge_update(const Tokens& t) {
  const std::size_t at = t[1].is_word("only") ? 2 : 1;
  const std::size_t name = t[at + 1].is('.') ? at + 2 : at;
  return t[name].value == "pg_database" ? leave_out(t[0], t[name]) : DumpVerdict{};
}

/// Rows that were counted would be gone, and settings would be back.
DumpVerdict judge_rollback(const Tokens& t) {
  if (t[0].is_word("prepare") && !t[1].is_word("transaction")) return {};
  return refused("It takes back what came before it, or leaves it open.");
}

using Rule = DumpVerdict (*)(const Tokens& tokens);
/// The rules that need no more than the first tokens.
Rule rule_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Rule>, 12> rules{
      {{"create", judge_definition},
       {"alter", judge_definition},
       {"drop", judge_definition},
       {"comment", judge_note},
       {"security", judge_note},
       {"set", judge_set},
       {"reset", judge_reset},
       {"update", judge_update},
       {"rollback", judge_rollback},
       {"abort", judge_rollback},
       {"prepare", judge_rollback},
       {"reassign", [](const Tokens& t) { return leave_out(t[0], t[1]); }}}};
  const auto* const found =
      std::find_if(rules.begin(), rules.end(), [&](const auto& rule) { return rule.first == word; });
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace

std::optional<DumpVerdict> judge_dump_statement(std::string_view text, StatementText how_much) {
  const char* const end = text.data() + text.size();
  const char* const word_end = sql_word_end(text.data(), end);
  if (word_end == end && how_much == StatementText::partial) return {};
  const std::string word = lower(std::string(text.data(), word_end));
  if (word == "insert") return DumpVerdict{.kind = Kind::insert};
  if (word == "discard") return refused("It resets how the dump is to be read.");
  const bool partial = how_much == StatementText::partial;
  if (word == "copy") return partial ? std::optional<DumpVerdict>() : judge_copy(text, how_much);
  if (word == "grant" || word == "revoke") {
    if (how_much == StatementText::too_long) return refused("The statement is too long to be judged.");
    return partial ? std::optional<DumpVerdict>() : judge_grant(text);
  }
  const Rule rule = rule_of(word);
  if (rule == nullptr && word != "select") return DumpVerdict{};
  const Tokens tokens = first_tokens(text);
  // The last token may be cut, so one more is asked for.
  if (partial && tokens.back().kind == SqlToken::Kind::end) return {};
  if (how_much == StatementText::too_long && rule != nullptr && tokens[least_tokens].kind == SqlToken::Kind::end)
    return refused("The statement is too long to be judged.");
  return rule != nullptr ? rule(tokens) : judge_select(tokens, how_much);
}

}  // namespace belay
