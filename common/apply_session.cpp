#include "common/apply_session.hpp"

#include <fmt/format.h>

#include "common/interrupt.hpp"
#include "common/session_setup.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

void set(Connection& db, const char* name, const std::optional<std::string>& value, SettingScope scope) {
  if (!value) return;
  db.run("SELECT pg_catalog.set_config($1, $2, $3)",
         {name, *value, scope == SettingScope::transaction ? "true" : "false"});
}

}  // namespace

SessionFacts read_session(Connection& db) {
  const Row row = db.one(
      "SELECT current_user::text AS role, current_setting('client_encoding') AS encoding, "
      "current_setting('standard_conforming_strings') = 'on' AS standard, current_setting('lock_timeout') <> '0' AS "
      "lock_timeout, pg_backend_pid() AS pid");
  return {row.text("role"),      row.text("encoding"),     row.flag("standard"),
          holds_prisma_lock(db), row.flag("lock_timeout"), static_cast<int>(row.number("pid"))};
}

std::string set_for_script_sql(const ApplySettings& settings, SettingScope scope) {
  std::string sql;
  const auto add = [&](const char* name, const std::optional<std::string>& value) {
    if (!value) return;
    sql += fmt::format("SELECT pg_catalog.set_config('{}', {}, {});", name, quote_literal(*value),
                       scope == SettingScope::transaction);
  };
  add("search_path", settings.search_path);
  add("lock_timeout", settings.lock_timeout);
  add("statement_timeout", settings.statement_timeout);
  return sql;
}

std::string bookkeeping_setup_sql() {
  return "SET CONSTRAINTS ALL IMMEDIATE; RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL statement_timeout = 0; SET "
         "LOCAL search_path = pg_catalog;";
}

std::string clean_session_sql(Connection& db, const SessionFacts& facts) {
  return "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL; UNLISTEN *; DISCARD PLANS; "
         "DISCARD SEQUENCES; DISCARD TEMP;" +
         session_setup(db.settings(), db.server_version()) +
         "SET client_encoding = " + quote_literal(facts.client_encoding);
}

void clean_session(Connection& db, const SessionFacts& facts) {
  const InterruptShield shield;
  if (!db.usable()) return;
  try {
    if (db.transaction_state() != TransactionState::idle) db.finish_transaction("ROLLBACK");
    db.run_script(clean_session_sql(db, facts));
  } catch (const ServerError& error) {
    if (!error.connection_lost) throw;  // a session that is gone is clean
  }
}

void keep_prisma_lock(Connection& db, const SessionFacts& facts) {
  if (!facts.prisma_lock || holds_prisma_lock(db)) return;
  take_prisma_lock(db, std::chrono::milliseconds{0});
}

WithoutLockTimeout::WithoutLockTimeout(Connection& db, bool needed) : db_(db) {
  if (!needed) return;
  before_ = db.value("SELECT pg_catalog.current_setting('lock_timeout')");
  if (before_ != "0") set(db_, "lock_timeout", "0", SettingScope::session);
}

WithoutLockTimeout::~WithoutLockTimeout() {
  if (before_.empty() || before_ == "0") return;
  try {
    const InterruptShield shield;
    set(db_, "lock_timeout", before_, SettingScope::session);
  } catch (const std::exception&) {
    // The session is gone, and its settings with it.
  }
}

}  // namespace belay
