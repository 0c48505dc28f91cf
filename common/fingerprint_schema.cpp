// Reading the schema part: runs the catalog queries under settings that make deparsed text comparable, and turns each
// cell that is not NULL into a fact.
#include <fmt/format.h>

#include <algorithm>

#include "common/fingerprint.hpp"
#include "common/generated_name.hpp"
#include "common/pinned_settings.hpp"
#include "common/schema_queries.hpp"
#include "common/sha256.hpp"

namespace belay {

namespace {

std::string sql_of(const SchemaQuery& query) {
  std::string sql = fmt::format("SELECT {}, {}", query.kind, query.object);
  for (const SchemaAttribute& attribute : query.attributes) sql += fmt::format(",\n {}", attribute.sql);
  return fmt::format("{}\nFROM {}", sql, query.from);
}

/// The fact's value: "yes" where PostgreSQL could have made the name up.
std::optional<std::string> generated_value(const std::string& parts_json) {
  const nlohmann::json parts = nlohmann::json::parse(parts_json);
  const auto part = [&](int i) { return parts.at(i).is_null() ? std::string{} : parts.at(i).get<std::string>(); };
  if (!is_generated_name(part(0), part(1), part(2), part(3))) return std::nullopt;
  return "yes";
}

void add_facts(const SchemaQuery& query, const Row& row, std::vector<SchemaFact>& facts) {
  for (std::size_t i = 0; i < query.attributes.size(); ++i) {
    const SchemaAttribute& attribute = query.attributes[i];
    std::optional<std::string> value = row.cell(i + 2);
    if (value && attribute.name == generated_name_parts) value = generated_value(*value);
    if (value) facts.push_back({row.text(0), row.text(1), attribute.name, *value, attribute.expression});
  }
}

SchemaFingerprint read_once(Connection& db, const std::string& history_schema) {
  SchemaFingerprint fingerprint;
  fingerprint.server_major = db.server_version() / 10000;
  const std::string prelude = schema_prelude(history_schema);
  for (const SchemaQuery& query : schema_queries(db.server_version())) {
    for (const Row& row : db.rows(prelude + sql_of(query))) add_facts(query, row, fingerprint.facts);
  }
  for (const Row& row : db.rows(prelude + not_compared_query())) {
    fingerprint.not_compared[row.text("kind")] = static_cast<std::uint64_t>(row.number("number"));
  }
  std::sort(fingerprint.facts.begin(), fingerprint.facts.end());
  fingerprint.facts.erase(std::unique(fingerprint.facts.begin(), fingerprint.facts.end()), fingerprint.facts.end());
  return fingerprint;
}

SchemaFingerprint read_in_own_transaction(Connection& db, const std::string& history_schema) {
  Transaction transaction(db, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const PinnedSettings pinned(db);
  SchemaFingerprint fingerprint = read_once(db, history_schema);
  transaction.rollback();
  return fingerprint;
}

/// pg_get_indexdef and its like look at the newest catalog, not at the transaction's: what somebody dropped meanwhile
/// fails there as an internal error.
bool dropped_meanwhile(const ServerError& error) { return error.sqlstate == "XX000" || error.sqlstate == "42P01"; }

/// A field with its length in front: nothing within it can be taken for the next one.
void add_field(Sha256& hash, std::string_view text) {
  const std::string length = std::to_string(text.size()) + ":";
  hash.update(as_bytes(length));
  hash.update(as_bytes(text));
}

void add_fact(Sha256& hash, const SchemaFact& fact) {
  for (const std::string* field : {&fact.kind, &fact.object, &fact.attribute, &fact.value}) add_field(hash, *field);
}

}  // namespace

SchemaFingerprint read_schema_fingerprint(Connection& db, const std::string& history_schema) {
  if (db.transaction_state() == TransactionState::open) {
    const PinnedSettings pinned(db);
    return read_once(db, history_schema);
  }
  constexpr int attempts = 3;
  for (int attempt = 1; attempt < attempts; ++attempt) {
    try {
      return read_in_own_transaction(db, history_schema);
    } catch (const ServerError& error) {
      if (!dropped_meanwhile(error)) throw;
    }
  }
  return read_in_own_transaction(db, history_schema);
}

std::string SchemaFingerprint::sha256() const {
  Sha256 hash;
  for (const SchemaFact& fact : facts) add_fact(hash, fact);
  for (const auto& [kind, number] : not_compared) add_fact(hash, {kind, "", "not compared", std::to_string(number)});
  return hash.hex();
}

std::map<std::string, std::string> SchemaFingerprint::object_hashes() const {
  std::map<std::string, std::string> hashes;
  for (auto first = facts.begin(); first != facts.end();) {
    auto last = first;
    Sha256 hash;
    for (; last != facts.end() && last->kind == first->kind && last->object == first->object; ++last)
      add_fact(hash, *last);
    hashes[first->kind + " " + first->object] = hash.hex();
    first = last;
  }
  return hashes;
}

}  // namespace belay
