#include "restore/archive_listing.hpp"

#include <algorithm>
#include <array>

namespace belay {

namespace {

/// A line is `215; 1259 16386 TABLE public orders app`. Names are not quoted, so what stands behind the kind cannot be
/// taken apart; the catalog's number tells `TABLE` from `TABLE DATA` (which belongs to none), whatever a schema is
/// called.
struct Kind {
  std::string_view catalog, description, name;
};
constexpr std::string_view pg_class = "1259", pg_proc = "1255", pg_type = "1247", pg_constraint = "2606";
constexpr std::array<Kind, 12> kinds{{{pg_class, "TABLE ", "tables"},
                                      {pg_class, "FOREIGN TABLE ", "foreign tables"},
                                      {pg_class, "VIEW ", "views"},
                                      {pg_class, "MATERIALIZED VIEW ", "materialized views"},
                                      {pg_class, "SEQUENCE ", "sequences"},
                                      {pg_class, "INDEX ", "indexes"},
                                      {pg_proc, "FUNCTION ", "functions"},
                                      {pg_proc, "PROCEDURE ", "procedures"},
                                      {pg_proc, "AGGREGATE ", "aggregates"},
                                      {pg_type, "TYPE ", "types"},
                                      {pg_type, "DOMAIN ", "domains"},
                                      {pg_constraint, "FK CONSTRAINT ", "foreign keys"}}};

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

void take_entry(std::string_view line, ArchiveListing& listing) {
  (void)take_word(line);  // its number in the archive
  const std::string_view catalog = take_word(line);
  (void)take_word(line);  // the object's number
  for (const Kind& kind : kinds) {
    if (kind.catalog == catalog && line.starts_with(kind.description)) ++listing.objects[std::string{kind.name}];
  }
}

void take_comment(std::string_view line, ArchiveListing& listing) {
  const auto value_of = [&](std::string_view name, std::string& value) {
    const std::size_t at = line.find(name);
    if (at != std::string_view::npos) value = line.substr(at + name.size());
  };
  value_of("Dumped from database version: ", listing.server_version);
  value_of("Dumped by pg_dump version: ", listing.pg_dump_version);
}

}  // namespace

ArchiveListing parse_archive_listing(std::string_view text) {
  ArchiveListing listing;
  for (const Kind& kind : kinds) listing.objects[std::string{kind.name}] = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(';')) {
      take_comment(line, listing);
    } else if (!line.empty()) {
      take_entry(line, listing);
    }
  }
  return listing;
}

}  // namespace belay
