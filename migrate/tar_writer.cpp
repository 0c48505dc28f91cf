#include "migrate/tar_writer.hpp"

#include <fmt/format.h>

#include <numeric>

#include "common/error.hpp"

namespace belay {

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t longest_name = 100;

/// Field by field as POSIX has it (pax, "ustar Interchange Format"); the checksum is taken with its own field as
/// spaces.
std::string header_of(const std::string& name, std::size_t size, TimePoint time) {
  std::string header(block, '\0');
  const auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", size));
  put(136, fmt::format("{:011o}", seconds));
  put(148, "        ");
  put(156, "0");
  put(257, std::string_view{"ustar\00000", 8});
  const unsigned sum = std::accumulate(header.begin(), header.end(), 0U,
                                       [](unsigned total, char c) { return total + static_cast<unsigned char>(c); });
  put(148, fmt::format("{:06o}", sum) + std::string{"\0 ", 2});
  return header;
}

}  // namespace

std::string tar_of(const std::string& folder, const std::vector<TarMember>& members, TimePoint time) {
  std::string tar;
  for (const TarMember& member : members) {
    const std::string name = folder + "/" + member.name;
    if (name.size() > longest_name) throw Error{Failure::bug, fmt::format("\"{}\" is too long for a tar file", name)};
    tar += header_of(name, member.content.size(), time) + member.content;
    tar.append((block - member.content.size() % block) % block, '\0');
  }
  return tar.append(2 * block, '\0');
}

}  // namespace belay
