#include "migrate/touched.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>

#include "common/parse_tree.hpp"

namespace belay {

namespace {

using Names = std::vector<std::string>;
using Found = std::vector<ObjectName>;

/// The parts of a name in any of the parser's forms: RangeVar, list of strings, TypeName, ObjectWithArgs, string.
Names parts_of(const ParseNode& node) {
  if (node.is_string()) return {node.get<std::string>()};
  if (node.is_array()) {
    Names all;
    for (const ParseNode& item : node) {
      const Names part = parts_of(item);
      if (!item.contains("String")) return all.empty() ? part : all;  // of a list of types, the first
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  if (!node.is_object()) return {};
  if (node.contains("relname")) {
    Names all;
    if (node.contains("schemaname")) all.push_back(node["schemaname"]);
    all.push_back(node["relname"]);
    return all;
  }
  for (const char* inner :
       {"sval", "String", "RangeVar", "List", "TypeName", "ObjectWithArgs", "items", "names", "objname"}) {
    if (node.contains(inner)) return parts_of(node[inner]);
  }
  return {};
}

ObjectGroup group_of(const std::string& type) {
  static const std::map<std::string, ObjectGroup, std::less<>> groups{
      {"OBJECT_FUNCTION", ObjectGroup::routine},   {"OBJECT_PROCEDURE", ObjectGroup::routine},
      {"OBJECT_ROUTINE", ObjectGroup::routine},    {"OBJECT_AGGREGATE", ObjectGroup::routine},
      {"OBJECT_SCHEMA", ObjectGroup::schema},      {"OBJECT_TABLE", ObjectGroup::relation},
      {"OBJECT_VIEW", ObjectGroup::relation},      {"OBJECT_MATVIEW", ObjectGroup::relation},
      {"OBJECT_INDEX", ObjectGroup::relation},     {"OBJECT_SEQUENCE", ObjectGroup::relation},
      {"OBJECT_TYPE", ObjectGroup::relation},      {"OBJECT_DOMAIN", ObjectGroup::relation},
      {"OBJECT_COLUMN", ObjectGroup::relation},    {"OBJECT_FOREIGN_TABLE", ObjectGroup::relation},
      {"OBJECT_ATTRIBUTE", ObjectGroup::relation}, {"OBJECT_TABCONSTRAINT", ObjectGroup::relation},
      {"OBJECT_TRIGGER", ObjectGroup::relation},   {"OBJECT_POLICY", ObjectGroup::relation},
      {"OBJECT_RULE", ObjectGroup::relation},      {"OBJECT_DOMCONSTRAINT", ObjectGroup::relation}};
  const auto found = groups.find(type);
  return found == groups.end() ? ObjectGroup::other : found->second;
}

/// Written table.part: what is touched is the table.
bool names_a_part(const std::string& type) {
  constexpr std::string_view parts[] = {"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY",
                                        "OBJECT_RULE"};
  return std::find(std::begin(parts), std::end(parts), type) != std::end(parts);
}

void add(Found& found, ObjectGroup group, const Names& parts) {
  if (parts.empty()) return;
  const bool unqualified = parts.size() < 2 || group == ObjectGroup::other;
  found.push_back({group, unqualified ? "" : parts[parts.size() - 2], parts.back()});
}

void add_object(Found& found, const std::string& type, const ParseNode& object) {
  if (type == "OBJECT_CAST") return found.push_back({ObjectGroup::other, "", cast_name});
  Names parts = parts_of(object);
  if (names_a_part(type) && parts.size() > 1) parts.pop_back();
  add(found, group_of(type), parts);
}

void add_relation(Found& found, const ParseNode& node) { add(found, ObjectGroup::relation, parts_of(node)); }

/// The same object under its new name, or in its new schema.
void add_renamed(Found& found, const ParseNode& node) {
  if (found.empty()) return;
  ObjectName renamed = found.back();
  if (node.contains("newschema")) {
    renamed.schema = node["newschema"];
  } else {
    renamed.name = node.value("newname", "");
  }
  found.push_back(renamed);
}

void see_rename(Found& found, const ParseNode& node) {
  const std::string type = node.value("renameType", "OBJECT_TABLE");
  if (node.contains("relation")) {
    add_relation(found, node["relation"]);
  } else if (type == "OBJECT_SCHEMA") {
    found.push_back({ObjectGroup::schema, "", node.value("subname", "")});
  } else {
    add_object(found, type, member(node, "object"));
  }
  const bool of_a_part = names_a_part(type) || type == "OBJECT_ATTRIBUTE" || type == "OBJECT_DOMCONSTRAINT";
  if (!of_a_part) add_renamed(found, node);
}

void see_object_schema(Found& found, const ParseNode& node) {
  if (node.contains("relation")) {
    add_relation(found, node["relation"]);
  } else {
    add_object(found, node.value("objectType", ""), member(node, "object"));
  }
  add_renamed(found, node);
}

void see_grant(Found& found, const ParseNode& node) {
  const std::string type = node.value("objtype", "OBJECT_TABLE");
  const bool all_in_schema = node.value("targtype", "") == "ACL_TARGET_ALL_IN_SCHEMA";
  for (const ParseNode& object : member(node, "objects")) {
    if (all_in_schema) {
      found.push_back({group_of(type), name_in(object), ""});
    } else {
      add_object(found, type, object);
    }
  }
}

void see_index(Found& found, const ParseNode& node) {
  add_relation(found, member(node, "relation"));
  const std::string schema = member(node, "relation").value("schemaname", "");
  if (node.contains("idxname")) found.push_back({ObjectGroup::relation, schema, node["idxname"]});
}

void see_partition(Found& found, const ParseNode& alter_table) {
  add_relation(found, member(alter_table, "relation"));
  for (const ParseNode& item : member(alter_table, "cmds")) {
    const ParseNode& partition = member(member(member(item, "AlterTableCmd"), "def"), "PartitionCmd");
    if (partition.contains("name")) add_relation(found, partition["name"]);
  }
}

void see_statistics(Found& found, const ParseNode& node) {
  add(found, ObjectGroup::other, parts_of(member(node, "defnames")));
  for (const ParseNode& table : member(node, "relations")) add_relation(found, table);
}

void see(Found& found, std::string_view key, const ParseNode& node);

void see_schema(Found& found, const ParseNode& node) {
  found.push_back({ObjectGroup::schema, "", node.value("schemaname", "")});
  for (const ParseNode& element : member(node, "schemaElts")) {
    for (const auto& [key, inner] : element.items()) see(found, key, inner);
  }
}

void see_drop(Found& found, const ParseNode& node) {
  for (const ParseNode& object : member(node, "objects")) add_object(found, node.value("removeType", ""), object);
}

struct Simple {
  const char* member;  ///< where the object's name stands
  ObjectGroup group;
};

/// Statements that name one object in one place.
const std::map<std::string, Simple, std::less<>>& simple_statements() {
  static const std::map<std::string, Simple, std::less<>> statements{
      {"CreateStmt", {"relation", ObjectGroup::relation}},
      {"CreateTrigStmt", {"relation", ObjectGroup::relation}},
      {"RuleStmt", {"relation", ObjectGroup::relation}},
      {"RefreshMatViewStmt", {"relation", ObjectGroup::relation}},
      {"ClusterStmt", {"relation", ObjectGroup::relation}},
      {"CreatePolicyStmt", {"table", ObjectGroup::relation}},
      {"AlterPolicyStmt", {"table", ObjectGroup::relation}},
      {"ViewStmt", {"view", ObjectGroup::relation}},
      {"CreateSeqStmt", {"sequence", ObjectGroup::relation}},
      {"AlterSeqStmt", {"sequence", ObjectGroup::relation}},
      {"CompositeTypeStmt", {"typevar", ObjectGroup::relation}},
      {"CreateEnumStmt", {"typeName", ObjectGroup::relation}},
      {"AlterEnumStmt", {"typeName", ObjectGroup::relation}},
      {"CreateRangeStmt", {"typeName", ObjectGroup::relation}},
      {"CreateDomainStmt", {"domainname", ObjectGroup::relation}},
      {"AlterDomainStmt", {"typeName", ObjectGroup::relation}},
      {"AlterTypeStmt", {"typeName", ObjectGroup::relation}},
      {"CreateFunctionStmt", {"funcname", ObjectGroup::routine}},
      {"AlterFunctionStmt", {"func", ObjectGroup::routine}},
      {"CreateExtensionStmt", {"extname", ObjectGroup::other}},
      {"AlterExtensionStmt", {"extname", ObjectGroup::other}},
      {"AlterExtensionContentsStmt", {"extname", ObjectGroup::other}},
      {"CreatePublicationStmt", {"pubname", ObjectGroup::other}},
      {"AlterPublicationStmt", {"pubname", ObjectGroup::other}},
      {"CreateEventTrigStmt", {"trigname", ObjectGroup::other}},
      {"AlterEventTrigStmt", {"trigname", ObjectGroup::other}},
      {"CreateFdwStmt", {"fdwname", ObjectGroup::other}},
      {"AlterFdwStmt", {"fdwname", ObjectGroup::other}},
      {"CreateForeignServerStmt", {"servername", ObjectGroup::other}},
      {"AlterForeignServerStmt", {"servername", ObjectGroup::other}},
      {"CreateUserMappingStmt", {"servername", ObjectGroup::other}},
      {"AlterUserMappingStmt", {"servername", ObjectGroup::other}},
      {"DropUserMappingStmt", {"servername", ObjectGroup::other}},
      {"AlterStatsStmt", {"defnames", ObjectGroup::other}},
      {"AlterOperatorStmt", {"opername", ObjectGroup::other}},
      {"AlterTSConfigurationStmt", {"cfgname", ObjectGroup::other}},
      {"AlterTSDictionaryStmt", {"dictname", ObjectGroup::other}}};
  return statements;
}

using See = void (*)(Found&, const ParseNode&);

/// All others that touch something.
const std::map<std::string, See, std::less<>>& further_statements() {
  static const std::map<std::string, See, std::less<>> statements{
      {"AlterTableStmt", see_partition},
      {"IndexStmt", see_index},
      {"RenameStmt", see_rename},
      {"AlterObjectSchemaStmt", see_object_schema},
      {"GrantStmt", see_grant},
      {"DropStmt", see_drop},
      {"CreateSchemaStmt", see_schema},
      {"CreateStatsStmt", see_statistics},
      {"DefineStmt",
       [](Found& found, const ParseNode& node) {
         add_object(found, node.value("kind", ""), member(node, "defnames"));
       }},
      {"AlterOwnerStmt",
       [](Found& found, const ParseNode& node) {
         add_object(found, node.value("objectType", ""), member(node, "object"));
       }},
      {"CommentStmt",
       [](Found& found, const ParseNode& node) {
         add_object(found, node.value("objtype", ""), member(node, "object"));
       }},
      {"SecLabelStmt",
       [](Found& found, const ParseNode& node) {
         add_object(found, node.value("objtype", ""), member(node, "object"));
       }},
      {"CreateTableAsStmt",
       [](Found& found, const ParseNode& node) { add_relation(found, member(member(node, "into"), "rel")); }},
      {"SelectStmt",
       [](Found& found, const ParseNode& node) { add_relation(found, member(member(node, "intoClause"), "rel")); }},
      {"CreateForeignTableStmt",
       [](Found& found, const ParseNode& node) { add_relation(found, member(member(node, "base"), "relation")); }},
      {"AlterDefaultPrivilegesStmt",
       [](Found& found, const ParseNode&) {
         found.push_back({ObjectGroup::other, "", default_privileges_name});
       }},
      {"CreateCastStmt", [](Found& found, const ParseNode&) {
         found.push_back({ObjectGroup::other, "", cast_name});
       }}};
  return statements;
}

void see(Found& found, std::string_view key, const ParseNode& node) {
  if (const auto simple = simple_statements().find(key); simple != simple_statements().end()) {
    add(found, simple->second.group, parts_of(member(node, simple->second.member)));
  } else if (const auto further = further_statements().find(key); further != further_statements().end()) {
    further->second(found, node);
  }
}

bool fits(const ObjectName& touch, const ObjectName& object) {
  return touch.group == object.group && (touch.name.empty() || touch.name == object.name) &&
         (touch.schema.empty() || object.schema.empty() || touch.schema == object.schema);
}

}  // namespace

std::vector<ObjectName> touched_by(const Script& script) {
  Found found;
  for (const Statement& statement : script.statements) {
    for (const ParseNode& node : executed_by(statement.text).statements) {
      for (const auto& [key, inner] : node.items()) see(found, key, inner);
    }
  }
  return found;
}

void TouchedObjects::add(const std::string& migration, const Script& script) {
  migrations_.push_back(migration);
  for (ObjectName& name : touched_by(script)) touches_.push_back({std::move(name), migrations_.size() - 1});
}

std::optional<std::string> TouchedObjects::last_to_touch(const std::vector<ObjectName>& names) const {
  const auto last = std::find_if(touches_.rbegin(), touches_.rend(), [&](const Touch& touch) {
    return std::any_of(names.begin(), names.end(), [&](const ObjectName& name) { return fits(touch.name, name); });
  });
  return last == touches_.rend() ? std::nullopt : std::optional{migrations_[last->migration]};
}

}  // namespace belay
