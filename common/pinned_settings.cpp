#include "common/pinned_settings.hpp"

#include <fmt/format.h>

#include "common/sql_text.hpp"

namespace belay {

namespace {

const std::vector<std::pair<std::string, std::string>>& pinned() {
  static const std::vector<std::pair<std::string, std::string>> settings = {
      {"search_path", ""},
      {"quote_all_identifiers", "off"},
      {"DateStyle", "ISO, MDY"},
      {"IntervalStyle", "postgres"},
      {"TimeZone", "UTC"},
      {"extra_float_digits", "3"},
      {"bytea_output", "hex"},
      {"standard_conforming_strings", "on"},
      {"lc_monetary", "C"},
      {"xmloption", "content"},
      {"transform_null_equals", "off"},
      // Many rows of cheap columns: compiling these queries costs more than running them.
      {"jit", "off"},
      // A function's text is only to be parsed again where it is SQL; what a body in a string says may be out of reach.
      {"check_function_bodies", "off"},
      // A temporary stand-in goes where temporary tables go anyway.
      {"default_tablespace", ""},
  };
  return settings;
}

std::string set_all(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::string sql = "SELECT ";
  for (const auto& [name, value] : settings) {
    sql += fmt::format("{}pg_catalog.set_config({}, {}, true)", sql.size() > 7 ? ", " : "", quote_literal(name),
                       quote_literal(value));
  }
  return sql;
}

}  // namespace

PinnedSettings::PinnedSettings(Connection& db) : db_(db) {
  std::string sql = "SELECT ";
  for (const auto& [name, value] : pinned()) {
    sql += fmt::format("{}pg_catalog.current_setting({}) AS {}", sql.size() > 7 ? ", " : "", quote_literal(name),
                       quote_identifier(name));
  }
  const Row row = db_.one(sql);
  for (const auto& [name, value] : pinned()) before_.emplace_back(name, row.text(name));
  static_cast<void>(db_.rows(set_all(pinned())));
}

PinnedSettings::~PinnedSettings() {
  // In a failed or ended transaction they are gone by themselves.
  if (!db_.usable() || db_.transaction_state() != TransactionState::open) return;
  try {
    static_cast<void>(db_.rows(set_all(before_)));
  } catch (const std::exception&) {
    // The session is gone, or the transaction failed, and the settings with it.
  }
}

}  // namespace belay
