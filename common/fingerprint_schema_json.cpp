// The schema part as JSON, for the file beside a backup's manifest. A fact is an array [kind, object, attribute,
// value], with true behind it where the value is an expression.
#include "common/fingerprint.hpp"
#include "common/strict_json.hpp"

namespace belay {

namespace {

using Json = nlohmann::ordered_json;

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    const unsigned lead = byte(i);
    const std::size_t length = lead < 0x80                   ? 1
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xf0 && lead < 0xf5 ? 4
                                                             : 0;
    if (length == 0) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0U) != 0x80U) return false;
    }
    if ((lead == 0xe0 && byte(i + 1) < 0xa0) || (lead == 0xed && byte(i + 1) > 0x9f) ||
        (lead == 0xf0 && byte(i + 1) < 0x90) || (lead == 0xf4 && byte(i + 1) > 0x8f)) {
      return false;
    }
    i += length;
  }
  return true;
}

/// A database in SQL_ASCII holds names and texts of any bytes, which JSON cannot: they are written as {"hex": "…"}.
Json text_json(const std::string& text) {
  if (is_utf8(text)) return text;
  static constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += digits[static_cast<unsigned char>(c) >> 4U];
    hex += digits[static_cast<unsigned char>(c) & 0xfU];
  }
  return Json{{"hex", hex}};
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  throw Error{Failure::storage, "could not read the schema fingerprint",
              "A text in hexadecimal digits has other characters."};
}

std::string text_from(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  const std::string hex = json.at("hex").get<std::string>();
  if (hex.size() % 2 != 0)
    throw Error{Failure::storage, "could not read the schema fingerprint", "A text in hexadecimal digits is cut."};
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    text += static_cast<char>(digit_value(hex[i]) * 16 + digit_value(hex[i + 1]));
  return text;
}

SchemaFact fact_from(const Json& json) {
  if (json.size() != 4 && json.size() != 5)
    throw Error{Failure::storage, "could not read the schema fingerprint", "A fact has not four parts."};
  return {text_from(json.at(0)), text_from(json.at(1)), text_from(json.at(2)), text_from(json.at(3)),
          json.size() == 5 && json.at(4).get<bool>()};
}

SchemaFingerprint fingerprint_from(const Json& json) {
  SchemaFingerprint fingerprint;
  const int version = whole_number<int>(json.at("version"));
  if (version != fingerprint.version) {
    throw Error{Failure::storage, "could not read the schema fingerprint",
                "Its format has version " + std::to_string(version) + ", this program knows version " +
                    std::to_string(fingerprint.version) + "."};
  }
  fingerprint.server_major = whole_number<int>(json.at("server_major"));
  for (const Json& fact : json.at("facts")) fingerprint.facts.push_back(fact_from(fact));
  for (const auto& [kind, number] : json.at("not_compared").items())
    fingerprint.not_compared[kind] = whole_number<std::uint64_t>(number);
  return fingerprint;
}

}  // namespace

nlohmann::ordered_json to_json(const SchemaFingerprint& fingerprint) {
  Json facts = Json::array();
  for (const SchemaFact& fact : fingerprint.facts) {
    Json one =
        Json::array({text_json(fact.kind), text_json(fact.object), text_json(fact.attribute), text_json(fact.value)});
    if (fact.expression) one.push_back(true);
    facts.push_back(std::move(one));
  }
  Json not_compared = Json::object();
  for (const auto& [kind, number] : fingerprint.not_compared) not_compared[kind] = number;
  return {{"version", fingerprint.version},
          {"server_major", fingerprint.server_major},
          {"facts", std::move(facts)},
          {"not_compared", std::move(not_compared)}};
}

SchemaFingerprint schema_from_json(const nlohmann::ordered_json& json) {
  SchemaFingerprint fingerprint;
  try {
    fingerprint = fingerprint_from(json);
  } catch (const nlohmann::json::exception& error) {
    throw Error{Failure::storage, "could not read the schema fingerprint", error.what()};
  }
  for (std::size_t i = 1; i < fingerprint.facts.size(); ++i) {
    if (!(fingerprint.facts[i - 1] < fingerprint.facts[i])) {
      throw Error{Failure::storage, "could not read the schema fingerprint", "Its facts are not in order."};
    }
  }
  return fingerprint;
}

}  // namespace belay
