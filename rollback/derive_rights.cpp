#include "rollback/derive_rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/sql_text.hpp"
#include "rollback/object_text.hpp"

namespace belay {

namespace {

using Right = std::vector<std::string>;  // grantee, privilege, "true" if grantable

std::set<Right> rights_of(const CatalogObject& object) {
  std::set<Right> rights;
  for (Right& right : listed(object.fact("privileges"))) rights.insert(std::move(right));
  return rights;
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
    if (old_.has("own privileges") || (now_ && now_->has("own privileges"))) privileges();
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
      for (const std::string& who : {std::string{"PUBLIC"}, old_.fact("owner")})
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

}  // namespace

std::vector<ReversalStatement> rights_statements(const CatalogObject& old, const CatalogObject* now,
                                                 const CatalogState& state) {
  return RightsWriter{old, now, state}.write();
}

}  // namespace belay
