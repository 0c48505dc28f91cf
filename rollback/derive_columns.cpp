#include "rollback/derive_columns.hpp"

#include <fmt/format.h>

#include <utility>

#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

std::string alter_column(const CatalogObject& column, const CatalogState& before) {
  return fmt::format("ALTER TABLE {} ALTER COLUMN {}", parent_name(column, before), quote_identifier(column.name));
}

/// Every type has an assignment cast to the character types, and one of the same family has one to its own kind; those
/// refuse what does not fit, while an explicit cast cuts it off in silence.
bool converts_by_assignment(const CatalogObject& from, const CatalogObject& to) {
  const bool both_numbers = from.fact("category") == "N" && to.fact("category") == "N";
  const bool both_dates = from.fact("category") == "D" && to.fact("category") == "D";
  return from.fact("plain type") == to.fact("plain type") || (to.fact("category") == "S" && !to.has("array")) ||
         both_numbers || both_dates;
}

/// How `value` becomes one of `to`, as an expression over `value`.
std::string converted(const std::string& value, const CatalogObject& to, bool by_text) {
  if (!by_text) return fmt::format("{}::{}", value, to.fact("type"));
  return to.has("array") ? fmt::format("{}::text[]::{}", value, to.fact("type"))
                         : fmt::format("{}::text::{}", value, to.fact("type"));
}

bool through_text(const CatalogObject& from, const CatalogObject& to) {
  return from.has("enum") || to.has("enum") || from.fact("category") == "S";
}

ReversalStatement type_statement(const ColumnChange& c) {
  const std::string column = quote_identifier(c.old.name);
  std::string sql = fmt::format("{} TYPE {}", alter_column(c.old, c.before), c.old.fact("type"));
  if (c.old.has("collation")) sql += " COLLATE " + c.old.fact("collation");
  if (!c.converted_at.empty()) {
    sql += fmt::format(" USING {} AT TIME ZONE {}", column, quote_literal(c.converted_at));
    return {.sql = sql,
            .purpose = fmt::format("{} is of type {} again", describe(c.old, c.before), c.old.fact("type")),
            .loss = RowLoss::conversion};
  }
  const bool text = through_text(c.now, c.old);
  if (c.enum_rebuilt || !converts_by_assignment(c.now, c.old)) sql += " USING " + converted(column, c.old, text);
  ReversalStatement statement{
      .sql = sql,
      .purpose = fmt::format("{} is of type {} again", describe(c.old, c.before), c.old.fact("type")),
      .loss = c.enum_rebuilt ? RowLoss::none : RowLoss::conversion};
  if (c.enum_rebuilt) return statement;  // its values are counted where the type is made again
  const std::string asked = quote_identifier(c.asked_column);
  if (!c.old.has("enum") && !c.now.has("enum")) {
    const std::string there = converted(asked, c.old, text && c.old.fact("category") != "S");
    statement.count = fmt::format("SELECT count(*) FROM {} WHERE ({})::{}::text IS DISTINCT FROM {}::text",
                                  c.asked_table, there, c.now.fact("type"), asked);
    statement.counted = "values that would not stay the same";
  }
  return statement;
}

std::string default_clause(const CatalogObject& old) {
  return old.has("default") ? "SET DEFAULT " + old.fact("default") : "DROP DEFAULT";
}

/// The sequence of a column that was and is an identity.
void change_identity_sequence(const ColumnChange& c, Derivation& result) {
  const CatalogObject& old = c.old;
  const std::string what = "the sequence of " + describe(old, c.before);
  const auto name = [](const CatalogObject& column, const char* fact) {
    return quote_identifier(column.fact("identity schema")) + "." + quote_identifier(column.fact(fact));
  };
  if (old.fact("identity schema") != c.now.fact("identity schema")) {
    result.not_derivable.push_back(what + ": it was moved to another schema");
    return;
  }
  if (old.fact("identity name") != c.now.fact("identity name"))
    result.statements.push_back({fmt::format("ALTER SEQUENCE {} RENAME TO {}", name(c.now, "identity name"),
                                             quote_identifier(old.fact("identity name"))),
                                 "renames " + what + " back"});
  // With the column's type its sequence's changes, and the limits with that: they are said again in any case.
  const bool retyped = old.fact("type") != c.now.fact("type");
  if (retyped || old.fact("identity options") != c.now.fact("identity options"))
    result.statements.push_back(
        {fmt::format("ALTER SEQUENCE {} {}", name(old, "identity name"), old.fact("identity options")),
         what + " counts as it did"});
}

void add_identity(const ColumnChange& c, Derivation& result) {
  const CatalogObject& old = c.old;
  const std::string alter = alter_column(old, c.before);
  const std::string what = describe(old, c.before);
  if (!old.has("identity")) return;  // dropped at the beginning: its sequence may bear an old one's name
  if (!c.now.has("identity")) {
    result.statements.push_back({alter + " ADD " + identity_clause(old), what + " is an identity column again"});
    result.statements.push_back(
        {fmt::format("SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {}), coalesce(max({}), 1), "
                     "max({}) IS NOT NULL) FROM {}",
                     quote_literal(parent_name(old, c.before)), quote_literal(old.name), quote_identifier(old.name),
                     quote_identifier(old.name), parent_name(old, c.before)),
         what + " goes on after its greatest value"});
    return;
  }
  if (old.fact("identity") != c.now.fact("identity"))
    result.statements.push_back({alter + " SET GENERATED " + old.fact("identity"), what + " is generated as before"});
  change_identity_sequence(c, result);
}

void add_not_null(const ColumnChange& c, Derivation& result) {
  if (c.old.has("not null") == c.now.has("not null")) return;
  const std::string alter = alter_column(c.old, c.before);
  if (!c.old.has("not null")) {
    if (c.old.has("identity")) return;
    result.statements.push_back({alter + " DROP NOT NULL", describe(c.old, c.before) + " may be NULL again"});
    return;
  }
  result.statements.push_back({.sql = alter + " SET NOT NULL",
                               .purpose = describe(c.old, c.before) + " is required again",
                               .loss = RowLoss::down_may_fail,
                               .count = fmt::format("SELECT count(*) FROM {} WHERE {} IS NULL", c.asked_table,
                                                    quote_identifier(c.asked_column)),
                               .counted = "rows without a value"});
}

}  // namespace

Derivation type_and_default(const ColumnChange& c) {
  Derivation result;
  const CatalogObject& old = c.old;
  const std::string alter = alter_column(old, c.before);
  const std::string what = describe(old, c.before);
  if (old.fact("generated") != c.now.fact("generated")) {
    // In place only from PostgreSQL 17 on; an expression that was dropped comes back with its column.
    result.statements.push_back(
        {fmt::format("{} SET EXPRESSION AS ({})", alter, old.fact("generated")), what + " is computed as before"});
  }
  const bool retype =
      c.enum_rebuilt || old.fact("type") != c.now.fact("type") || old.fact("collation") != c.now.fact("collation");
  const bool redefault = old.fact("default") != c.now.fact("default");
  if (!retype && !redefault) return result;
  if (retype && old.has("inherited")) {
    result.not_derivable.push_back(what + ": the type of an inherited column was changed");
    return result;
  }
  if (retype && old.has("generated")) {
    std::string sql = fmt::format("{} TYPE {}", alter, old.fact("type"));
    if (old.has("collation")) sql += " COLLATE " + old.fact("collation");
    result.statements.push_back({sql, fmt::format("{} is of type {} again", what, old.fact("type"))});
    return result;
  }
  if (retype && c.now.has("default"))
    result.statements.push_back({alter + " DROP DEFAULT", what + " is freed of its default"});
  if (retype) result.statements.push_back(type_statement(c));
  const bool dropped_meanwhile = retype && c.now.has("default");
  if (dropped_meanwhile ? old.has("default") : redefault)
    result.statements.push_back({alter + " " + default_clause(old), what + " has the default it had"});
  return result;
}

std::vector<ReversalStatement> fine_settings(const CatalogObject& old, const CatalogObject* now,
                                             const CatalogState& before) {
  std::vector<ReversalStatement> statements;
  const std::string alter = alter_column(old, before);
  const auto present = [&](const char* fact) { return now ? now->fact(fact) : std::string{}; };
  const auto say = [&](const std::string& clause, const char* what) {
    statements.push_back({alter + " " + clause, fmt::format("sets the {} of {}", what, describe(old, before))});
  };
  if (old.fact("storage") != present("storage"))
    say("SET STORAGE " + (old.has("storage") ? old.fact("storage") : old.fact("type storage")), "storage");
  if (old.fact("compression") != present("compression"))
    say("SET COMPRESSION " + (old.has("compression") ? old.fact("compression") : "default"), "compression");
  if (old.fact("statistics") != present("statistics"))
    say("SET STATISTICS " + (old.has("statistics") ? old.fact("statistics") : "-1"), "statistics target");
  if (old.fact("options") != present("options")) {
    if (!present("options").empty()) say("RESET (n_distinct, n_distinct_inherited)", "options");
    if (old.has("options")) say("SET (" + old.fact("options") + ")", "options");
  }
  return statements;
}

Derivation other_attributes(const ColumnChange& c) {
  Derivation result;
  if (!c.old.has("inherited")) add_not_null(c, result);
  add_identity(c, result);
  for (ReversalStatement& statement : fine_settings(c.old, &c.now, c.before))
    result.statements.push_back(std::move(statement));
  return result;
}

Derivation added_again(const CatalogObject& old, const CatalogState& before, const std::string& asked_table) {
  Derivation result;
  const std::string table = parent_name(old, before);
  const bool computed = old.has("generated") || old.has("identity");
  const bool fills_itself = computed || old.has("default") || !old.has("not null");
  CatalogObject first = old;
  if (!fills_itself) first.facts.erase("not null");
  result.statements.push_back({.sql = fmt::format("ALTER TABLE {} ADD COLUMN {}", table, column_definition(first)),
                               .purpose = fmt::format("puts {} back", describe(old, before)),
                               .loss = old.has("generated") ? RowLoss::none : RowLoss::up_lost});
  if (!fills_itself) {
    result.statements.push_back({.sql = alter_column(old, before) + " SET NOT NULL",
                                 .purpose = describe(old, before) + " is required again",
                                 .loss = RowLoss::down_may_fail,
                                 .count = "SELECT count(*) FROM " + asked_table,
                                 .counted = "rows without a value",
                                 .requires_values = old.id});
  }
  return result;
}

}  // namespace belay
