#include "rollback/derive_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/sql_text.hpp"
#include "rollback/derive_counts.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

struct Writer {
  Derivation derivation = {};
  void say(std::string sql, std::string purpose, RowLoss loss = RowLoss::none) {
    derivation.statements.push_back({.sql = std::move(sql), .purpose = std::move(purpose), .loss = loss});
  }
  void refuse(const CatalogObject& object, const CatalogState& state, const char* why) {
    derivation.not_derivable.push_back(fmt::format("{}: {}", describe(object, state), why));
  }
};

/// The names alone out of `a='1', b='2'`.
std::string names_in(const std::string& options) {
  std::string names;
  for (std::size_t at = 0; at < options.size();) {
    const std::size_t equals = options.find('=', at);
    names += (names.empty() ? "" : ", ") + options.substr(at, equals - at);
    const std::size_t next = options.find("', ", equals);
    at = next == std::string::npos ? options.size() : next + 3;
  }
  return names;
}

}  // namespace

Derivation domain_as_it_was(const CatalogObject& old, const CatalogObject& now, const CatalogState& before) {
  Writer result;
  const std::string alter = "ALTER DOMAIN " + qualified(old);
  const std::string purpose = describe(old, before) + " is as it was";
  if (old.fact("type") != now.fact("type") || old.fact("collation") != now.fact("collation"))
    result.refuse(old, before, "its type was changed");
  if (old.fact("default") != now.fact("default"))
    result.say(alter + (old.has("default") ? " SET DEFAULT " + old.fact("default") : " DROP DEFAULT"), purpose);
  if (old.has("not null") != now.has("not null"))
    result.say(alter + (old.has("not null") ? " SET NOT NULL" : " DROP NOT NULL"), purpose,
               old.has("not null") ? RowLoss::down_may_fail : RowLoss::none);
  const auto had = listed(old.fact("constraints"));
  const auto has = listed(now.fact("constraints"));
  const auto in = [](const auto& list, const auto& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  for (const std::vector<std::string>& constraint : has) {
    if (!in(had, constraint)) result.say(alter + " DROP CONSTRAINT " + quote_identifier(constraint.at(0)), purpose);
  }
  for (const std::vector<std::string>& constraint : had) {
    if (!in(has, constraint))
      result.say(fmt::format("{} ADD CONSTRAINT {} {}", alter, quote_identifier(constraint.at(0)), constraint.at(1)),
                 purpose, RowLoss::down_may_fail);
  }
  return result.derivation;
}

Derivation composite_as_it_was(const CatalogObject& old, const CatalogObject& now, const CatalogState& before,
                               const CatalogState& after) {
  Writer result;
  if (old.fact("attributes") == now.fact("attributes")) return {};
  const std::string alter = "ALTER TYPE " + qualified(old);
  const std::string what = describe(old, before);
  std::map<std::string, std::vector<std::string>> had;  // by number: name, type
  for (const std::vector<std::string>& attribute : listed(old.fact("attributes"))) had[attribute.at(2)] = attribute;
  for (const std::vector<std::string>& attribute : listed(now.fact("attributes"))) {
    const auto was = had.find(attribute.at(2));
    const std::string name = quote_identifier(attribute.at(0));
    if (was == had.end()) {
      result.say(alter + " DROP ATTRIBUTE " + name, what + " is without " + name + " again");
      ReversalStatement& dropped = result.derivation.statements.back();
      dropped.count = values_of_attribute(old, attribute.at(0), after);
      if (dropped.count.empty()) continue;
      dropped.loss = RowLoss::down_loses;
      dropped.counted = "values that are not NULL";
      continue;
    }
    const std::string old_name = quote_identifier(was->second.at(0));
    if (old_name != name)
      result.say(fmt::format("{} RENAME ATTRIBUTE {} TO {}", alter, name, old_name), "renames " + name + " back");
    if (was->second.at(1) != attribute.at(1))
      result.say(fmt::format("{} ALTER ATTRIBUTE {} TYPE {}", alter, old_name, was->second.at(1)),
                 fmt::format("{} of {} is of type {} again", old_name, what, was->second.at(1)));
    had.erase(was);
  }
  if (!had.empty()) result.refuse(old, before, "an attribute was dropped, and its values with it");
  return result.derivation;
}

Derivation sequence_as_it_was(const CatalogObject& old, const CatalogObject& now, const CatalogState& before) {
  Writer result;
  if (old.fact("type") != now.fact("type") || old.fact("options") != now.fact("options"))
    result.say(fmt::format("ALTER SEQUENCE {} AS {} {}", qualified(old), old.fact("type"), old.fact("options")),
               describe(old, before) + " counts as it did");
  if (old.fact("persistence") != now.fact("persistence")) result.refuse(old, before, "it was made logged or unlogged");
  return result.derivation;
}

Derivation table_as_it_was(const CatalogObject& old, const CatalogObject& now, const CatalogState& before) {
  Writer result;
  const std::string alter = "ALTER TABLE " + qualified(old);
  const std::string what = describe(old, before);
  for (const char* fact : {"foreign", "partitioned by", "access method", "of type", "tablespace"}) {
    if (old.fact(fact) != now.fact(fact)) result.refuse(old, before, "what kind of table it is was changed");
  }
  if (old.has("unlogged") != now.has("unlogged"))
    result.say(alter + (old.has("unlogged") ? " SET UNLOGGED" : " SET LOGGED"), what + " is as durable as it was");
  return result.derivation;
}

Derivation table_settings(const CatalogObject& old, const CatalogObject* now, const CatalogState& before) {
  Writer result;
  const std::string alter = "ALTER TABLE " + qualified(old);
  const std::string what = describe(old, before);
  const auto present = [&](const char* fact) { return now ? now->fact(fact) : std::string{}; };
  if (old.fact("parents") != present("parents") && old.has("bound")) {
    const ObjectId parent{"pg_class", static_cast<std::uint32_t>(std::stoul(old.fact("parents"))), 0};
    result.say(fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", qualified(*before.find(parent)), qualified(old),
                           old.fact("bound")),
               what + " is a partition again", now ? RowLoss::down_may_fail : RowLoss::none);
  }
  if (old.fact("row security") != present("row security"))
    result.say(alter + (old.has("row security") ? " ENABLE" : " DISABLE") + " ROW LEVEL SECURITY",
               "row security of " + what);
  if (old.fact("forced row security") != present("forced row security"))
    result.say(alter + (old.has("forced row security") ? " FORCE" : " NO FORCE") + " ROW LEVEL SECURITY",
               "row security of " + what);
  if (old.fact("replica identity") != present("replica identity"))
    result.say(alter + " REPLICA IDENTITY " + (old.has("replica identity") ? old.fact("replica identity") : "DEFAULT"),
               "replica identity of " + what);
  if (!now || old.fact("options") == now->fact("options")) return result.derivation;
  if (now->has("options"))
    result.say(alter + " RESET (" + names_in(now->fact("options")) + ")", "storage parameters of " + what);
  if (old.has("options")) result.say(alter + " SET (" + old.fact("options") + ")", "storage parameters of " + what);
  return result.derivation;
}

Derivation sequence_owner(const CatalogObject& old, const CatalogObject* now, const StatePair& states) {
  Writer result;
  const std::string present = now ? now->fact("owned by") : "";
  if (old.fact("owned by") == present) return result.derivation;
  if (!old.has("owned by")) {
    result.say(fmt::format("ALTER SEQUENCE {} OWNED BY NONE", qualified(old)),
               describe(old, states.before) + " is nobody's");
    return result.derivation;
  }
  const std::string& owner = old.fact("owned by");
  const std::size_t dot = owner.find('.');
  const ObjectId id{"pg_class", static_cast<std::uint32_t>(std::stoul(owner.substr(0, dot))),
                    std::stoi(owner.substr(dot + 1))};
  const CatalogObject* column = states.before.find(id);
  if (!column) {
    result.refuse(old, states.before, "the column it belongs to is not known");
    return result.derivation;
  }
  const std::string table = parent_name(*column, states.before);
  const std::string name = quote_identifier(column->name);
  result.say(fmt::format("ALTER SEQUENCE {} OWNED BY {}.{}", qualified(old), table, name),
             describe(old, states.before) + " belongs to its column");
  if (now || !states.now.find(id)) return result.derivation;
  result.say(fmt::format("SELECT pg_catalog.setval({}, coalesce(max({}), 1), max({}) IS NOT NULL) FROM {}",
                         quote_literal(qualified(old)), name, name, table),
             describe(old, states.before) + " goes on after the greatest value");
  return result.derivation;
}

bool has_new_labels(const CatalogObject& old, const CatalogObject& now) {
  std::set<std::string> labels;
  for (const std::vector<std::string>& label : listed(old.fact("labels"))) labels.insert(label.at(0));
  const auto all = listed(now.fact("labels"));
  return std::any_of(all.begin(), all.end(), [&](const auto& label) { return !labels.contains(label.at(0)); });
}

ReversalStatement enum_put_aside(const CatalogObject& old, const CatalogObject& now, const CatalogState& after,
                                 const std::string& aside) {
  std::set<std::string> kept;
  for (const std::vector<std::string>& label : listed(old.fact("labels"))) kept.insert(label.at(0));
  std::string gone;
  for (const std::vector<std::string>& label : listed(now.fact("labels"))) {
    if (!kept.contains(label.at(0))) gone += (gone.empty() ? "" : ", ") + quote_literal(label.at(1));
  }
  ReversalStatement statement{
      .sql = fmt::format("ALTER TYPE {} RENAME TO {}", qualified(old), quote_identifier(aside)),
      .purpose = fmt::format("puts {} aside, which is to be without {} again", "enum " + qualified(old), gone)};
  for (const auto& [id, column] : after.objects) {
    if (column.kind != ObjectKind::column || column.fact("enum") != std::to_string(old.id.oid)) continue;
    const std::string name = quote_identifier(column.name);
    statement.count += fmt::format("{}(SELECT count(*) FROM {} WHERE {})", statement.count.empty() ? "SELECT " : " + ",
                                   parent_name(column, after),
                                   column.has("array") ? fmt::format("{}::text[] && ARRAY[{}]", name, gone)
                                                       : fmt::format("{}::text IN ({})", name, gone));
  }
  if (statement.count.empty()) return statement;
  statement.loss = RowLoss::down_may_fail;
  statement.counted = "rows that use such a value";
  return statement;
}

}  // namespace belay
