#include "common/apply_failure.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/apply_position.hpp"
#include "common/output.hpp"

namespace belay {

namespace {

bool in_class(const std::string& sqlstate, std::initializer_list<const char*> codes) {
  return std::any_of(codes.begin(), codes.end(), [&](const char* code) { return sqlstate == code; });
}

/// For a message of one line.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '\n') {
      out += "\\x0a";
    } else {
      out += c;
    }
  }
  return out;
}

/// Where the server says the error is; else the statement's first token. A position counts from the statement that was
/// sent.
TextPlace failed_place(const FailedAt& at, const ServerError* server) {
  if (at.statement == nullptr) return place_at(at.script.text, at.script.text.size());
  const Statement& statement = *at.statement;
  if (server != nullptr && server->position > 0 && server->statement == statement.text) {
    const bool bytes = at.session.client_encoding == "SQL_ASCII";
    const std::size_t inside =
        offset_of(statement.text, server->position, bytes ? PositionUnit::bytes : PositionUnit::characters);
    return place_at(at.script.text, statement.offset + inside);
  }
  TextPlace place;
  place.line = statement.line;
  // A statement that begins on its own first line begins there; one behind a comment, at the line's first word.
  const std::size_t begins = statement.text.find_first_not_of(" \t\r\n");
  if (begins != std::string::npos) {
    const TextPlace first = place_at(at.script.text, statement.offset + begins);
    if (first.line == statement.line) return first;
  }
  const std::string_view line = line_of(at.script.text, statement.line);
  place.column = 1 + static_cast<int>(std::min(line.find_first_not_of(" \t"), line.size()));
  return place;
}

std::string message(const FailedAt& at, const Error& cause, const ServerError* server, const TextPlace& place) {
  const bool lost = server != nullptr && server->connection_lost;
  const std::string what = cause.kind == Failure::interrupted ? "was interrupted"
                           : lost                             ? "lost its connection"
                                                              : "failed";
  const std::string name = one_line(at.migration.name);
  const std::string file = one_line(at.migration.file.string());
  if (at.statement == nullptr)
    return fmt::format("migration \"{}\" {} after the last statement of {}", name, what, file);
  if (server != nullptr && server->position > 0) {
    return fmt::format("migration \"{}\" {} at line {}, column {} of {}", name, what, place.line, place.column, file);
  }
  return fmt::format("migration \"{}\" {} at line {} of {}", name, what, place.line, file);
}

void add(std::string& text, const char* label, const std::string& value) {
  if (!value.empty()) text += fmt::format("\n{}:  {}", label, value);
}

std::string detail(const FailedAt& at, const Error& cause, const ServerError* server, const TextPlace& place) {
  std::string text = server == nullptr ? cause.message : fmt::format("ERROR:  {}", server->primary);
  if (server != nullptr && !server->sqlstate.empty()) text += fmt::format(" (SQLSTATE {})", server->sqlstate);
  if (server == nullptr && !cause.detail.empty()) text += "\n" + cause.detail;
  if (at.statement != nullptr) text += "\n" + excerpt(at.script.text, place);
  if (server == nullptr) return text;
  add(text, "DETAIL", server->server_detail);
  add(text, "HINT", server->server_hint);
  add(text, "CONTEXT", server->context);
  if (!at.blocked_by.empty()) text += "\n" + at.blocked_by.substr(0, at.blocked_by.size() - 1);
  return text;
}

std::string rights_hint(const FailedAt& at, const ServerError& server) {
  const std::string line =
      missing_right(server.primary, at.statement != nullptr ? *at.statement : Statement{}, at.session.role);
  if (line.empty()) return fmt::format("The role \"{}\" lacks a right that this statement needs. ", at.session.role);
  return fmt::format("The role \"{}\" lacks a right. Its owner or a superuser can run: {} ", at.session.role, line);
}

std::string lock_hint(const FailedAt& at) {
  return fmt::format(
      "Another session held a lock that this statement needs{}. Deploy again at a quieter time, give --lock-timeout a "
      "longer time, or end the "
      "session that holds it{}. ",
      at.settings.lock_timeout ? " for longer than lock_timeout = " + *at.settings.lock_timeout : "",
      at.blocked_by.empty() ? " (pg_blocking_pids shows it)" : "");
}

/// What usually helps, by SQLSTATE; empty where the server's own words say it all.
std::string advice(const FailedAt& at, const ServerError& server) {
  const std::string& state = server.sqlstate;
  if (state == "42501") return rights_hint(at, server);
  if (state == "55P03") return lock_hint(at);
  if (server.primary.starts_with("COPY from stdin failed"))
    return "A migration has no data to read after COPY ... FROM STDIN, as psql has; write INSERT statements. ";
  if (state == "42601" && at.script.text.starts_with("\xEF\xBB\xBF"))
    return "The file begins with a byte order mark (EF BB BF), which is no SQL; save it as UTF-8 without one. ";
  if (state == "57014")
    return "The server cancelled the statement. If that was statement_timeout, give --statement-timeout a longer "
           "time. ";
  if (state == "40P01")
    return "Two sessions waited for each other's locks and the server ended this one. Deploy again. ";
  if (state == "55P04")
    return "Put ALTER TYPE ... ADD VALUE into a migration of its own, before the one that uses the new value. ";
  if (in_class(state, {"25001", "2D000"})) {
    return "A script is run in one transaction unless a statement in it is known not to allow that. Give this "
           "statement a migration of its own "
           "with COMMIT; as its first line: a script with transaction control of its own is run statement by "
           "statement. ";
  }
  if (in_class(state, {"42P07", "42710", "42701", "42P06"})) {
    return "If it was made by hand or by an earlier run that died, compare the database with the script before "
           "recording anything. ";
  }
  return {};
}

std::string hint(const FailedAt& at, const Error& cause, const ServerError* server) {
  const std::string specific = server != nullptr ? advice(at, *server) : cause.hint.empty() ? "" : cause.hint + " ";
  return specific + "Prisma's code for this is P3018.";
}

/// Up to five lines before the failing one, numbered as Prisma numbers them: the text counts from an empty line 0.
std::string position_block(const FailedAt& at, const TextPlace& place) {
  std::string text = "\nPosition:\n";
  for (int line = std::max(0, place.line - 5); line <= place.line; ++line) {
    const std::string source = line == 0 ? "" : std::string{line_of(at.script.text, line)};
    text += source.empty() ? fmt::format("{:>3}\n", line) : fmt::format("{:>3} {}\n", line, source);
  }
  return text;
}

/// What Prisma's engine stores, without the trace of its own code that it appends.
std::string log(const FailedAt& at, const Error& cause, const ServerError* server, const TextPlace& place) {
  std::string text =
      "A migration failed to apply. New migrations cannot be applied before the error is recovered from. Read more "
      "about how to resolve migration "
      "issues in a production database: https://pris.ly/d/migrate-resolve\n\n";
  text += fmt::format("Migration name: {}\n\n", at.migration.name);
  if (server != nullptr && !server->sqlstate.empty())
    text += fmt::format("Database error code: {}\n\n", server->sqlstate);
  text += fmt::format("Database error:\nERROR: {}\n", server != nullptr ? server->primary : cause.message);
  if (server == nullptr) return cause.detail.empty() ? text : text + cause.detail + "\n";
  if (!server->server_detail.empty()) text += fmt::format("DETAIL: {}\n", server->server_detail);
  if (!server->server_hint.empty()) text += fmt::format("HINT: {}\n", server->server_hint);
  if (at.statement != nullptr && server->position > 0) text += position_block(at, place);
  return text;
}

}  // namespace

ApplyFailure describe_failure(const FailedAt& at, const Error& cause) {
  const auto* server = dynamic_cast<const ServerError*>(&cause);
  const TextPlace place = failed_place(at, server);
  ApplyFailure failure{
      Error{cause.kind, message(at, cause, server, place), detail(at, cause, server, place), hint(at, cause, server)},
      log(at, cause, server, place), false};
  failure.connection_lost = server != nullptr && server->connection_lost;
  return failure;
}

}  // namespace belay
