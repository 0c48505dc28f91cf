#include "migrate/column_type.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace belay {

namespace {

constexpr int length_header = 4;  // VARHDRSZ: part of the typmod of varchar, bpchar and numeric

std::vector<int> modifiers_of(const std::string& name, int typmod) {
  if (typmod < 0) return {};
  if (name == "varchar" || name == "bpchar") return {typmod - length_header};
  if (name == "numeric") {
    constexpr int scale_bits = 16, scale_mask = 0x7ff;
    const int packed = typmod - length_header;
    return {packed >> scale_bits, packed & scale_mask};
  }
  return {typmod};
}

std::string serial_base(const std::string& name) {
  static const std::map<std::string, std::string> bases{{"smallserial", "int2"}, {"serial2", "int2"},
                                                        {"serial", "int4"},      {"serial4", "int4"},
                                                        {"bigserial", "int8"},   {"serial8", "int8"}};
  const auto found = bases.find(name);
  return found == bases.end() ? std::string{} : found->second;
}

bool at_least(const std::vector<int>& to, const std::vector<int>& from) {
  return to.empty() || (!from.empty() && to.front() >= from.front());
}

/// The same type, with other modifiers.
TypeChange modifier_change(const ColumnType& from, const ColumnType& to) {
  if (from.modifiers == to.modifiers) return TypeChange::same_bits;
  if (to.name == "numeric") {
    const auto scale = [](const ColumnType& type) { return type.modifiers.size() > 1 ? type.modifiers[1] : 0; };
    const bool wider = to.modifiers.empty() || (!from.modifiers.empty() && scale(from) == scale(to) &&
                                                to.modifiers.front() >= from.modifiers.front());
    if (wider) return TypeChange::same_bits;
    const bool room = !from.modifiers.empty() && scale(to) >= scale(from) &&
                      to.modifiers.front() - scale(to) >= from.modifiers.front() - scale(from);
    return room ? TypeChange::rewrite : TypeChange::narrowing;
  }
  if (to.name == "bpchar" || to.name == "bit")
    return at_least(to.modifiers, from.modifiers) ? TypeChange::rewrite : TypeChange::narrowing;
  constexpr int finest = 6;  // digits of a second that are stored
  static const std::set<std::string, std::less<>> times{"timestamp", "timestamptz", "time", "timetz"};
  if (times.contains(to.name) && !to.modifiers.empty() && to.modifiers.front() >= finest) return TypeChange::same_bits;
  return at_least(to.modifiers, from.modifiers) ? TypeChange::same_bits : TypeChange::narrowing;
}

/// Casts without a function: the bits stay.
bool binary_coercible(const std::string& from, const std::string& to) {
  static const std::set<std::pair<std::string, std::string>> pairs{
      {"varchar", "text"}, {"text", "varchar"}, {"text", "bpchar"},    {"varchar", "bpchar"}, {"cidr", "inet"},
      {"bit", "varbit"},   {"varbit", "bit"},   {"xml", "text"},       {"xml", "varchar"},    {"int4", "oid"},
      {"oid", "int4"},     {"citext", "text"},  {"citext", "varchar"}, {"text", "citext"},    {"varchar", "citext"}};
  return pairs.contains({from, to});
}

/// Every value of the first fits into the second.
bool widens(const std::string& from, const std::string& to) {
  static const std::map<std::string, std::set<std::string>> wider{
      {"int2", {"int4", "int8", "numeric", "float4", "float8"}},
      {"int4", {"int8", "numeric", "float8"}},
      {"int8", {"numeric"}},
      {"float4", {"float8"}},
      {"date", {"timestamp", "timestamptz"}},
      {"timestamp", {"timestamptz"}},
      {"timestamptz", {"timestamp"}},
      {"json", {"jsonb"}},
      {"jsonb", {"json"}},
      {"bpchar", {"varchar"}}};
  const auto found = wider.find(from);
  return to == "text" || (found != wider.end() && found->second.contains(to));
}

bool between_timestamps(const std::string& from, const std::string& to) {
  return (from == "timestamp" && to == "timestamptz") || (from == "timestamptz" && to == "timestamp");
}

TypeChange other_type(const TypeChangeRequest& request) {
  const ColumnType& from = request.from;
  const ColumnType& to = request.to;
  if (from.array != to.array) return TypeChange::narrowing;
  // The elements of an array are coerced one by one, even where that changes nothing.
  if (from.array) return binary_coercible(from.name, to.name) ? TypeChange::rewrite : TypeChange::narrowing;
  if (binary_coercible(from.name, to.name)) {
    if (to.modifiers.empty()) return TypeChange::same_bits;
    const bool fits = from.name == "varchar" && at_least(to.modifiers, from.modifiers);
    return fits ? TypeChange::rewrite : TypeChange::narrowing;
  }
  if (between_timestamps(from.name, to.name)) {
    const TypeChange precision = modifier_change({"", to.name, from.modifiers}, to);
    return precision == TypeChange::same_bits && !request.utc ? TypeChange::rewrite : precision;
  }
  return widens(from.name, to.name) && to.modifiers.empty() ? TypeChange::rewrite : TypeChange::narrowing;
}

}  // namespace

std::string ColumnType::text() const {
  static const std::map<std::string, std::string, std::less<>> spoken{
      {"int2", "smallint"},           {"int4", "integer"}, {"int8", "bigint"}, {"float4", "real"},
      {"float8", "double precision"}, {"bool", "boolean"}, {"bpchar", "char"}};
  const auto found = spoken.find(name);
  std::string out = found == spoken.end() ? name : found->second;
  if (!modifiers.empty()) {
    out += "(";
    for (std::size_t i = 0; i < modifiers.size(); ++i) out += (i == 0 ? "" : ",") + std::to_string(modifiers[i]);
    out += ")";
  }
  return out + (array ? "[]" : "");
}

bool is_serial(const ParseNode& type_name) {
  const ParseNode& names = member(type_name, "names");
  return names.is_array() && names.size() == 1 && !serial_base(name_in(names.front())).empty();
}

ColumnType column_type(const ParseNode& type_name) {
  ColumnType type;
  const ParseNode& names = member(type_name, "names");
  if (!names.is_array() || names.empty()) return type;
  type.name = name_in(names.back());
  if (names.size() > 1) type.schema = name_in(names[names.size() - 2]);
  if (const std::string base = serial_base(type.name); names.size() == 1 && !base.empty()) {
    type.name = base;
    type.schema = "pg_catalog";
  }
  for (const ParseNode& item : member(type_name, "typmods")) {
    const ParseNode& value = member(member(item, "A_Const"), "ival");
    type.modifiers.push_back(value.value("ival", 0));
  }
  if (type.name == "numeric" && type.modifiers.size() == 1) type.modifiers.push_back(0);
  type.array = type_name.contains("arrayBounds");
  return type;
}

ColumnType column_type(const std::string& schema, const std::string& typname, int typmod) {
  ColumnType type{.schema = schema, .name = typname, .modifiers = {}};
  if (typname.size() > 1 && typname.front() == '_' && schema == "pg_catalog") {
    type.array = true;
    type.name.erase(0, 1);
  }
  type.modifiers = modifiers_of(type.name, typmod);
  return type;
}

TypeChange type_change(const TypeChangeRequest& request) {
  const ColumnType& from = request.from;
  const ColumnType& to = request.to;
  if (request.using_expression || !from.known()) return TypeChange::rewrite;
  if (from.name == to.name && from.array == to.array) {
    const TypeChange change = modifier_change(from, to);
    // The elements of an array are coerced one by one, whatever their new length is.
    return from.array && change == TypeChange::same_bits && from.modifiers != to.modifiers && !to.modifiers.empty()
               ? TypeChange::rewrite
               : change;
  }
  return other_type(request);
}

}  // namespace belay
