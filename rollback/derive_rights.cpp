#include "rollback/derive_rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

using Right = std::vector<std::string>;  // grantee, privilege, "true" if grantable

std::set<Right> rights_in(const std::string& json) {
  std::set<Right> rights;
  for (Right& right : listed(json)) rights.insert(std::move(right));
  return rights;
}

std::set<Right> rights_of(const CatalogObject& object) { return rights_in(object.fact("privileges")); }

/// Whom something made anew may be granted to without anybody saying so.
std::set<std::string> granted_by_default(const CatalogState& state) {
  std::set<std::string> grantees;
  for (const DefaultPrivileges& entry : state.default_privileges) {
    for (const Right& right : rights_in(entry.rights)) grantees.insert(right.at(0));
  }
  return grantees;
}

/// `SELECT ON TABLE "s"."t"`, and of a column `SELECT ("c") ON TABLE "s"."t"`.
std::string right_on(const std::string& privilege, const CatalogObject& object, const CatalogState& state) {
  switch (object.kind) {
    case ObjectKind::column:
      return fmt::format("{} ({}) ON TABLE {}", privilege, quote_identifier(object.name), parent_name(object, state));
    case ObjectKind::view:
    case ObjectKind::materialized_view:
    case ObjectKind::table:
      return fmt::format("{} ON TABLE {}", privilege, qualified(object));
    case ObjectKind::composite_type:
    case ObjectKind::enum_type:
    case ObjectKind::domain:
      return fmt::format("{} ON TYPE {}", privilege, qualified(object));
    default:
      return fmt::format("{} ON {}", privilege, address(object, state));
  }
}

class RightsWriter {
 public:
  RightsWriter(const CatalogObject& old, const CatalogObject* now, const CatalogState& state)
      : old_(old), now_(now), state_(state) {}

  std::vector<ReversalStatement> write() {
    owner();
    const bool by_default = !now_ && old_.has("privileges") && !state_.default_privileges.empty();
    if (old_.has("own privileges") || (now_ && now_->has("own privileges")) || by_default) privileges();
    comment();
    return std::move(statements_);
  }

 private:
  void say(std::string sql, const char* what) {
    statements_.push_back({.sql = std::move(sql), .purpose = fmt::format("{} {}", what, describe(old_, state_))});
  }
  void owner() {
    const bool is_part = old_.kind == ObjectKind::column;
    const std::string& present = now_ ? now_->fact("owner") : state_.role;
    if (is_part || !old_.has("owner") || old_.fact("owner") == present) return;
    say(fmt::format("ALTER {} OWNER TO {}", address(old_, state_), old_.fact("owner")), "gives its owner back:");
  }
  void privileges() {
    const std::set<Right> wanted = rights_of(old_);
    std::set<Right> present;
    if (now_) {
      present = rights_of(*now_);
    } else if (old_.kind != ObjectKind::column) {
      std::set<std::string> others = granted_by_default(state_);
      others.insert({"PUBLIC", old_.fact("owner")});
      for (const std::string& who : others)
        say(fmt::format("REVOKE {} FROM {}", right_on("ALL", old_, state_), who), "sets the privileges of");
    }
    for (const Right& right : present) {
      if (!wanted.contains(right))
        say(fmt::format("REVOKE {} FROM {}", right_on(right.at(1), old_, state_), right.at(0)), "takes a privilege on");
    }
    for (const Right& right : wanted) {
      if (!present.contains(right))
        say(fmt::format("GRANT {} TO {}{}", right_on(right.at(1), old_, state_), right.at(0),
                        right.at(2) == "true" ? " WITH GRANT OPTION" : ""),
            "grants a privilege on");
    }
  }
  void comment() {
    const std::string present = now_ ? now_->fact("comment") : "";
    if (old_.fact("comment") == present) return;
    say(fmt::format("COMMENT ON {} IS {}", address(old_, state_),
                    old_.has("comment") ? quote_literal(old_.fact("comment")) : "NULL"),
        "puts the comment back on");
  }

  const CatalogObject& old_;
  const CatalogObject* now_;
  const CatalogState& state_;
  std::vector<ReversalStatement> statements_;
};

/// What somebody said of the same objects, before and now.
struct DefaultPair {
  const DefaultPrivileges *was = nullptr, *is = nullptr;
};

void add_default_rights(const DefaultPair& pair, std::vector<ReversalStatement>& statements) {
  const DefaultPrivileges& one = pair.was ? *pair.was : *pair.is;
  const std::set<Right> wanted = rights_in(pair.was ? pair.was->rights : one.usual);
  const std::set<Right> present = rights_in(pair.is ? pair.is->rights : one.usual);
  const std::string alter = fmt::format("ALTER DEFAULT PRIVILEGES FOR ROLE {}{}", one.role,
                                        one.schema.empty() ? "" : " IN SCHEMA " + quote_identifier(one.schema));
  const auto say = [&](const std::string& sql) {
    statements.push_back({.sql = alter + sql, .purpose = "default privileges of new " + one.objects});
  };
  for (const Right& right : present) {
    if (!wanted.contains(right)) say(fmt::format(" REVOKE {} ON {} FROM {}", right.at(1), one.objects, right.at(0)));
  }
  for (const Right& right : wanted) {
    if (!present.contains(right))
      say(fmt::format(" GRANT {} ON {} TO {}{}", right.at(1), one.objects, right.at(0),
                      right.at(2) == "true" ? " WITH GRANT OPTION" : ""));
  }
}

std::set<std::string> schemas_of(const CatalogState& state) {
  std::set<std::string> names{""};  // in all of them
  for (const auto& [id, object] : state.objects) {
    if (object.kind == ObjectKind::schema) names.insert(object.name);
  }
  return names;
}

}  // namespace

std::vector<ReversalStatement> rights_statements(const CatalogObject& old, const CatalogObject* now,
                                                 const CatalogState& state) {
  return RightsWriter{old, now, state}.write();
}

std::vector<ReversalStatement> default_privileges_statements(const CatalogState& before, const CatalogState& now,
                                                             SchemasThat schemas) {
  std::map<std::tuple<std::string, std::string, std::string>, DefaultPair> pairs;
  for (const DefaultPrivileges& entry : before.default_privileges)
    pairs[{entry.schema, entry.role, entry.objects}].was = &entry;
  for (const DefaultPrivileges& entry : now.default_privileges)
    pairs[{entry.schema, entry.role, entry.objects}].is = &entry;
  const std::set<std::string> were = schemas_of(before), are = schemas_of(now);
  std::vector<ReversalStatement> statements;
  for (const auto& [key, pair] : pairs) {
    const std::string& schema = std::get<0>(key);
    if (were.contains(schema) && are.contains(schema) == (schemas == SchemasThat::are_there))
      add_default_rights(pair, statements);
  }
  return statements;
}

}  // namespace belay
