#include "common/side_database.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/clock.hpp"
#include "common/fault_point.hpp"
#include "common/generated_name.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::array all_kinds{SideKind::restore, SideKind::rehearsal, SideKind::spare, SideKind::before,
                               SideKind::failed};

std::optional<SideKind> kind_named(const std::string& text) {
  for (const SideKind kind : all_kinds) {
    if (to_string(kind) == text) return kind;
  }
  return std::nullopt;
}

/// The kind and run that a database's name claims, if it has our form at all.
std::optional<std::pair<SideKind, std::string>> parse_side_name(const std::string& name) {
  constexpr std::size_t run_length = 21;
  if (name.size() < run_length + 4) return std::nullopt;
  const std::string run = name.substr(name.size() - run_length);
  if (!is_run_id(run)) return std::nullopt;
  for (const SideKind kind : all_kinds) {
    const std::string suffix = fmt::format("__{}_{}", to_string(kind), run);
    if (name.size() > suffix.size() && name.ends_with(suffix)) return std::pair{kind, run};
  }
  return std::nullopt;
}

/// A comment alone proves nothing: whoever owns a database can write one, and somebody may have renamed a side database
/// by hand. Ours is one whose name is exactly the one that its marker's run gave it, and which belongs to us, to the
/// target's owner, or to a superuser.
constexpr const char* candidates_query =
    "SELECT d.datname, pg_get_userbyid(d.datdba) AS owner, shobj_description(d.oid, 'pg_database') AS comment,"
    " CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN coalesce(pg_database_size(d.oid), 0) ELSE 0 END AS size"
    " FROM pg_database d JOIN pg_roles o ON o.oid = d.datdba JOIN pg_roles me ON me.rolname = current_user LEFT JOIN "
    "pg_database t ON t.datname = $1"
    " WHERE d.datname NOT IN ('template0', 'template1', $1) AND (o.rolsuper OR o.rolname = current_user OR d.datdba = "
    "t.datdba OR (NOT me.rolsuper AND pg_has_role(d.datdba, 'USAGE')))"
    " ORDER BY d.oid";

std::optional<SideDatabase> as_side_database(const Row& row, const std::string& target) {
  SideDatabase side{row.text("datname"), parse_marker(row.text_or("comment", "")),
                    static_cast<std::uint64_t>(row.number("size")), row.text("owner")};
  if (side.marker) {
    const bool ours =
        side.marker->target == target && side_name(target, side.marker->kind, side.marker->run) == side.name;
    return ours ? std::optional{std::move(side)} : std::nullopt;
  }
  const auto claimed = parse_side_name(side.name);
  const bool unmarked =
      claimed && !row.cell("comment") && side_name(target, claimed->first, claimed->second) == side.name;
  return unmarked ? std::optional{std::move(side)} : std::nullopt;
}

/// The owner of a database may create in its schema public, and pg_restore hands objects there over to that role: so
/// the side database belongs to it from the start, where this role is a member of it. A superuser needs no such right.
std::string owner_clause(Connection& maintenance, const std::string& owner) {
  const bool can = maintenance
                       .maybe(
                           "SELECT 1 FROM pg_roles o, pg_roles me WHERE o.rolname = $1 AND me.rolname = "
                           "current_user AND o.oid <> me.oid AND NOT me.rolsuper AND pg_has_role(o.oid, 'MEMBER') "
                           "AND pg_has_role(o.oid, 'USAGE')",
                           {owner})
                       .has_value();
  return can ? " OWNER " + quote_identifier(owner) : "";
}

}  // namespace

std::string to_string(SideKind kind) {
  switch (kind) {
    case SideKind::restore:
      return "restore";
    case SideKind::rehearsal:
      return "rehearsal";
    case SideKind::spare:
      return "spare";
    case SideKind::before:
      return "before";
    case SideKind::failed:
      return "failed";
  }
  return {};
}

std::string run_in_name(const std::string& name) {
  const auto claimed = parse_side_name(name);
  return claimed ? claimed->second : "";
}

std::string to_comment(const Marker& m) {
  const Json json = {
      {"belay", 1},          {"kind", to_string(m.kind)},
      {"run", m.run},        {"tool", m.tool},
      {"step", m.step},      {"host", m.host},
      {"target", m.target},  {"target_comment", m.target_comment ? Json(*m.target_comment) : Json(nullptr)},
      {"details", m.details}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<Marker> parse_marker(const std::string& comment) {
  const Json json = Json::parse(comment, nullptr, false);
  if (!json.is_object() || json.value("belay", Json()) != 1) return std::nullopt;
  try {
    const std::optional<SideKind> kind = kind_named(json.at("kind"));
    if (!kind) return std::nullopt;
    Marker m{json.at("run"),    json.at("tool"), json.at("step"), json.at("host"), json.at("target"), *kind, {},
             json.at("details")};
    if (!is_run_id(m.run)) return std::nullopt;
    if (!json.at("target_comment").is_null()) m.target_comment = json.at("target_comment").get<std::string>();
    return m;
  } catch (const Json::exception&) {
    return std::nullopt;  // somebody's own JSON comment
  }
}

std::string side_name(const std::string& target, SideKind kind, const std::string& run) {
  const std::string suffix = fmt::format("__{}_{}", to_string(kind), run);
  std::size_t keep = std::min(target.size(), longest_identifier - suffix.size());
  while (keep > 0 && keep < target.size() && (static_cast<unsigned char>(target[keep]) & 0xc0U) == 0x80U) --keep;
  return target.substr(0, keep) + suffix;
}

void create_side_database(Connection& maintenance, const std::string& name, const DatabaseProperties& like,
                          const Marker& marker) {
  // Died here: nothing yet. Died between the two: an empty database of our name without a marker; recover drops such a
  // one only if it is empty.
  maintenance.run(create_statement(name, like) + owner_clause(maintenance, like.owner));
  mark(maintenance, name, marker);
}

void mark(Connection& db, const std::string& name, const Marker& marker) {
  db.run(fmt::format("COMMENT ON DATABASE {} IS {}", quote_identifier(name), quote_literal(to_comment(marker))));
}

std::vector<SideDatabase> find_side_databases(Connection& maintenance, const std::string& target) {
  std::vector<SideDatabase> found;
  for (const Row& row : maintenance.rows(candidates_query, {target})) {
    if (std::optional<SideDatabase> side = as_side_database(row, target)) found.push_back(std::move(*side));
  }
  return found;
}

void drop_side_database(Connection& maintenance, const std::string& name) {
  if (!parse_side_name(name))
    throw Error{Failure::bug, fmt::format("\"{}\" is no side database's name; it was not dropped", name)};
  const bool is_template =
      maintenance.maybe("SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate", {name}).has_value();
  if (is_template) maintenance.run(fmt::format("ALTER DATABASE {} IS_TEMPLATE false", quote_identifier(name)));
  const char* force = maintenance.server_version() >= 130000 ? " WITH (FORCE)" : "";
  maintenance.run(fmt::format("DROP DATABASE IF EXISTS {}{}", quote_identifier(name), force));
}

bool holds_nothing(Connection& inside) {
  return inside.value(
             "SELECT NOT EXISTS (SELECT FROM pg_class WHERE oid >= 16384) AND NOT EXISTS (SELECT FROM pg_proc WHERE "
             "oid >= 16384)"
             " AND NOT EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_')"
             " AND NOT EXISTS (SELECT FROM pg_type WHERE oid >= 16384) AND NOT EXISTS (SELECT FROM "
             "pg_largeobject_metadata)") == "t";
}

bool is_abandoned(Connection& maintenance, const SideDatabase& side) {
  if (side.kept()) return false;
  if (side.marker) return true;
  const bool run_lives = maintenance
                             .maybe("SELECT 1 FROM pg_stat_activity WHERE application_name = 'belay/' || $1 LIMIT 1",
                                    {run_in_name(side.name)})
                             .has_value();
  if (run_lives) return false;
  // An interrupted DROP DATABASE had emptied it.
  if (maintenance.value("SELECT datconnlimit = -2 FROM pg_database WHERE datname = $1", {side.name}) == "t")
    return true;
  Connection inside{maintenance.url(), side.name, maintenance.settings()};
  return holds_nothing(inside);
}

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace belay
