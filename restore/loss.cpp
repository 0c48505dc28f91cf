#include "restore/loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t most_told = 40;

using Name = std::pair<std::string, std::string>;

struct Sides {
  const TableContent* then = nullptr;
  const CountedTable* now = nullptr;
  const TableContent* content = nullptr;
};

std::string table_word(const std::string& schema, const std::string& name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

std::string rows_word(std::int64_t rows) {
  return human_count(static_cast<std::uint64_t>(rows)) + (rows == 1 ? " row" : " rows");
}

std::map<Name, Sides> pair_up(const LossFacts& f) {
  std::map<Name, Sides> tables;
  for (const CountedTable& t : f.now) tables[{t.schema, t.name}].now = &t;
  if (f.then) {
    for (const TableContent& t : *f.then) tables[{t.schema, t.name}].then = &t;
  }
  if (f.content) {
    for (const TableContent& t : *f.content) {
      const auto found = tables.find({t.schema, t.name});
      if (found != tables.end()) found->second.content = &t;
    }
  }
  for (const Name& name : f.left_out) tables.erase(name);
  return tables;
}

std::int64_t rows_of(const TableContent& table) { return static_cast<std::int64_t>(table.rows); }

/// Rows then, less those that are still the same: deleted since, or the old version of a changed one.
std::int64_t gone(std::int64_t then, const CountedTable& now, std::int64_t fresh) { return then - (now.rows - fresh); }

/// An ALTER that rewrites a table, and a load, give every row a new version: then each is new, and it says nothing.
bool rewritten(std::int64_t then, const CountedTable& now, std::int64_t fresh) {
  return then > 0 && now.rows > 0 && fresh == now.rows;
}

bool can_count(std::int64_t then, const CountedTable& now, const std::optional<std::int64_t>& fresh) {
  return fresh && !rewritten(then, now, *fresh) && gone(then, now, *fresh) >= 0;
}

/// Rows cannot be told apart, but the whole table was hashed a moment ago: equal then, only what came after that
/// counts.
bool count_since_content(const Sides& t, TableLoss& loss) {
  const bool same = t.content != nullptr && t.content->hash == t.then->hash && t.content->columns == t.then->columns;
  if (!same || !can_count(rows_of(*t.content), *t.now, t.now->late)) return false;
  loss.new_or_changed = *t.now->late;
  loss.gone_or_changed = gone(rows_of(*t.content), *t.now, *t.now->late);
  return true;
}

void compare_numbers(const Sides& t, TableLoss& loss) {
  loss.exact = false;
  loss.rows_now = t.now->rows;
  loss.rows_then = rows_of(*t.then);
  loss.new_or_changed = t.now->rows;
  loss.gone_or_changed = rows_of(*t.then);
}

void count_changes(const Sides& t, TableLoss& loss) {
  if (can_count(rows_of(*t.then), *t.now, t.now->fresh)) {
    loss.new_or_changed = *t.now->fresh;
    loss.gone_or_changed = gone(rows_of(*t.then), *t.now, *t.now->fresh);
    const bool changed = loss.new_or_changed > 0 || *loss.gone_or_changed > 0;
    loss.exact = !changed || t.now->uncertain.value_or(0) == 0;
  } else if (!count_since_content(t, loss)) {
    compare_numbers(t, loss);
  }
}

std::vector<std::string> only_in(const std::vector<std::string>& now, const std::vector<std::string>& then) {
  std::vector<std::string> found;
  for (const std::string& column : now) {
    if (std::find(then.begin(), then.end(), column) == then.end()) found.push_back(column);
  }
  return found;
}

TableLoss compare_table(const Name& name, const Sides& t, bool then_known) {
  TableLoss loss{.schema = name.first, .name = name.second};
  if (t.now == nullptr) {
    loss.kind = TableLoss::Kind::comes_back;
    loss.gone_or_changed = rows_of(*t.then);
  } else if (!t.now->problem.empty()) {
    loss.kind = TableLoss::Kind::unknown;
    loss.exact = false;
    loss.problem = t.now->problem;
  } else if (t.then != nullptr) {
    count_changes(t, loss);
    loss.columns_going = only_in(t.now->columns, t.then->columns);
  } else if (then_known) {
    loss.kind = TableLoss::Kind::goes_away;
    loss.new_or_changed = t.now->rows;
    loss.gone_or_changed = 0;
  } else {
    loss.new_or_changed = t.now->fresh.value_or(t.now->rows);
    loss.exact = t.now->fresh.has_value() && t.now->uncertain.value_or(0) == 0;
  }
  return loss;
}

/// The same row as it was and is, by its id: what is only on one side, or in another state there.
std::vector<std::string> differing(const std::vector<RecordedMigration>& here,
                                   const std::vector<RecordedMigration>& there) {
  std::vector<std::string> lines;
  for (const RecordedMigration& row : here) {
    const auto same = [&](const RecordedMigration& other) { return other.id == row.id && other.state == row.state; };
    if (std::none_of(there.begin(), there.end(), same)) lines.push_back(row.name + " (" + row.state + ")");
  }
  return lines;
}

std::string going(const std::vector<std::string>& columns) {
  std::string text;
  for (const std::string& column : columns) text += (text.empty() ? "" : ", ") + quote_identifier(column);
  return text.empty() ? ""
                      : fmt::format("; column{} {} go{} away", columns.size() == 1 ? "" : "s", text,
                                    columns.size() == 1 ? "es" : "");
}

std::string numbers(const TableLoss& t) {
  if (t.rows_now)
    return fmt::format("about {} now, {} then; they cannot be told apart one by one", rows_word(*t.rows_now),
                       human_count(static_cast<std::uint64_t>(*t.rows_then)));
  const std::string about = t.exact ? "" : "about ";
  return fmt::format("{}{} new or changed, {}", about, rows_word(t.new_or_changed),
                     t.gone_or_changed ? about + rows_word(*t.gone_or_changed) + " deleted or changed"
                                       : "how many deleted is not known");
}

bool counts(const TableLoss& t) {
  const bool whole_table = t.kind != TableLoss::Kind::changed;
  return whole_table || t.rows_now || t.new_or_changed > 0 || t.gone_or_changed.value_or(0) > 0 ||
         !t.columns_going.empty();
}

const char* kind_word(TableLoss::Kind kind) {
  switch (kind) {
    case TableLoss::Kind::changed:
      return "changed";
    case TableLoss::Kind::goes_away:
      return "goes away";
    case TableLoss::Kind::comes_back:
      return "comes back";
    case TableLoss::Kind::unknown:
      return "not known";
  }
  return "";
}

}  // namespace

std::string TableLoss::describe() const {
  const std::string table = table_word(schema, name);
  switch (kind) {
    case Kind::goes_away:
      return fmt::format("{}: goes away with its {}", table, rows_word(new_or_changed));
    case Kind::comes_back:
      return fmt::format("{}: comes back with {}", table, rows_word(gone_or_changed.value_or(0)));
    case Kind::unknown:
      return fmt::format("{}: not known, {}", table, problem);
    case Kind::changed:
      return fmt::format("{}: {}{}", table, numbers(*this), going(columns_going));
  }
  return table;
}

Loss find_loss(const LossFacts& f) {
  Loss loss;
  for (const auto& [name, sides] : pair_up(f)) {
    TableLoss table = compare_table(name, sides, f.then.has_value());
    if (counts(table)) loss.tables.push_back(std::move(table));
  }
  if (f.history_then) {
    loss.migrations_since = differing(f.history_now, *f.history_then);
    loss.migrations_returning = differing(*f.history_then, f.history_now);
  }
  return loss;
}

std::vector<std::string> describe(const Loss& loss) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < loss.tables.size() && i < most_told; ++i) lines.push_back(loss.tables[i].describe());
  if (loss.tables.size() > most_told)
    lines.push_back(fmt::format("and {} more tables (all of them: --json)", loss.tables.size() - most_told));
  for (const std::string& name : loss.migrations_since) lines.push_back("migration since: " + name);
  for (const std::string& name : loss.migrations_returning) lines.push_back("migration as it was: " + name);
  return lines;
}

Json to_json(const std::vector<TableLoss>& tables) {
  Json list = Json::array();
  for (const TableLoss& t : tables) {
    const bool known = t.kind != TableLoss::Kind::unknown;
    list.push_back({{"table", table_word(t.schema, t.name)},
                    {"what", kind_word(t.kind)},
                    {"new_or_changed", known ? Json(t.new_or_changed) : Json(nullptr)},
                    {"gone_or_changed", known && t.gone_or_changed ? Json(*t.gone_or_changed) : Json(nullptr)},
                    {"exact", t.exact},
                    {"columns_going", t.columns_going}});
    if (!known) list.back()["reason"] = t.problem;
  }
  return list;
}

}  // namespace belay
