#include "common/side_database.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/clock.hpp"
#include "common/fault_point.hpp"
#include "common/sql_text.hpp"

namespace belay {

namespace {

constexpr std::size_t longest_name = 63;  // NAMEDATALEN - 1, in bytes
constexpr std::array kinds{SideKind::restore, SideKind::rehearsal, SideKind::spare, SideKind::before, SideKind::failed};

std::optional<SideKind> kind_named(const std::string& text) {
  for (const SideKind kind : kinds) {
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
  for (const SideKind kind : kinds) {
    const std::string suffix = fmt::format("__{}_{}", to_string(kind), run);
    if (name.size() > suffix.size() && name.ends_with(suffix)) return std::pair{kind, run};
  }
  return std::nullopt;
}

std::vector<SideDatabase> find(Connection& maintenance, const std::optional<std::string>& target) {
  std::vector<SideDatabase> found;
  for (const Row& row : maintenance.rows(
           "SELECT datname, pg_get_userbyid(datdba) AS owner, shobj_description(oid, 'pg_database') AS comment,"
           " CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 END AS size"
           " FROM pg_database WHERE NOT datistemplate ORDER BY oid")) {
    SideDatabase side{row.text("datname"), parse_marker(row.text_or("comment", "")),
                      static_cast<std::uint64_t>(row.number("size")), row.text("owner")};
    if (side.marker) {
      if (!target || side.marker->target == *target) found.push_back(std::move(side));
      continue;
    }
    const auto claimed = parse_side_name(side.name);
    const bool ours = claimed && row.cell("comment") == std::nullopt;
    if (ours && (!target || side_name(*target, claimed->first, claimed->second) == side.name))
      found.push_back(std::move(side));
  }
  return found;
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
  std::size_t keep = std::min(target.size(), longest_name - suffix.size());
  while (keep > 0 && keep < target.size() && (static_cast<unsigned char>(target[keep]) & 0xc0U) == 0x80U) --keep;
  return target.substr(0, keep) + suffix;
}

void create_side_database(Connection& maintenance, const std::string& name, const DatabaseProperties& like,
                          const Marker& marker) {
  // Died here: nothing yet. Died between the two: an empty database of our name without a marker; recover drops such a
  // one only if it is empty.
  maintenance.run(create_statement(name, like));
  mark(maintenance, name, marker);
}

void mark(Connection& db, const std::string& name, const Marker& marker) {
  db.run(fmt::format("COMMENT ON DATABASE {} IS {}", quote_identifier(name), quote_literal(to_comment(marker))));
}

std::vector<SideDatabase> find_side_databases(Connection& maintenance, const std::string& target) {
  return find(maintenance, target);
}
std::vector<SideDatabase> find_all_side_databases(Connection& maintenance) { return find(maintenance, std::nullopt); }

void drop_side_database(Connection& maintenance, const std::string& name) {
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

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace belay
