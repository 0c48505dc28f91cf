// How an object of a catalog state is written in SQL: its name, its address, the statements that make it and drop it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rollback/catalog_state.hpp"

namespace belay {

/// How a constraint's definition ends that CREATE DOMAIN does not take: it is added afterwards.
inline constexpr const char* not_valid = " NOT VALID";

/// "schema"."name".
[[nodiscard]] std::string qualified(const CatalogObject& object);
/// The object's parent in `state`, qualified. Throws bug if it is not there.
[[nodiscard]] std::string parent_name(const CatalogObject& object, const CatalogState& state);
/// What COMMENT ON and, for objects of their own, ALTER and DROP take: `TABLE "s"."t"`, `COLUMN "s"."t"."c"`,
/// `TRIGGER "x" ON "s"."t"`.
[[nodiscard]] std::string address(const CatalogObject& object, const CatalogState& state);
/// The same for people: `column "s"."t"."c"`.
[[nodiscard]] std::string describe(const CatalogObject& object, const CatalogState& state);
/// The statement that drops it, without CASCADE.
[[nodiscard]] std::string drop_statement(const CatalogObject& object, const CatalogState& state);
/// The statement that makes it, without owner, privileges and comment; none for a kind that cannot be written, and for
/// columns.
[[nodiscard]] std::optional<std::string> create_statement(const CatalogObject& object, const CatalogState& state);
/// The statement that switches a trigger or rule on or off, as the object is.
[[nodiscard]] std::string switch_statement(const CatalogObject& object, const CatalogState& state);
/// A column as CREATE TABLE and ADD COLUMN take it.
[[nodiscard]] std::string column_definition(const CatalogObject& column);
/// `GENERATED ALWAYS AS IDENTITY (…)`.
[[nodiscard]] std::string identity_clause(const CatalogObject& column);
/// What may be dropped and made again at no cost but time.
[[nodiscard]] bool is_recreatable(ObjectKind kind);
/// Elements of a fact that is a JSON list of lists of texts.
[[nodiscard]] std::vector<std::vector<std::string>> listed(const std::string& json);
/// Members of a fact that is a list of numbers: "1,3".
[[nodiscard]] bool lists_number(const std::string& list, int number);

}  // namespace belay
