// What `pg_restore --list` says of an archive.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace belay {

struct ArchiveListing {
  std::string server_version, pg_dump_version;   ///< as pg_dump wrote them; empty if it did not
  std::map<std::string, std::uint64_t> objects;  ///< number by kind, for the kinds that can be counted in a database
};

/// Pure.
[[nodiscard]] ArchiveListing parse_archive_listing(std::string_view text);

}  // namespace belay
