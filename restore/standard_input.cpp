#include "restore/standard_input.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/error.hpp"
#include "common/interrupt.hpp"

namespace belay {

namespace {

constexpr int patience_ms = 200;  // how late an interruption is noticed

/// 0 at the end.
std::size_t read_some(std::span<std::byte> room) {
  for (;;) {
    throw_if_interrupted();
    pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, patience_ms) <= 0) continue;  // a signal ends the wait too
    const ssize_t got = ::read(STDIN_FILENO, room.data(), room.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR && errno != EAGAIN)
      throw Error{Failure::storage, "could not read standard input", std::strerror(errno)};
  }
}

void require_stream() {
  if (::isatty(STDIN_FILENO) == 0) return;
  throw Error{Failure::usage, "standard input is a terminal", "--backup-file - takes a dump from a pipe or a file.",
              "Write it like: zstd -dc dump.sql.zst | restore-database --backup-file - --foreign --force"};
}

}  // namespace

StandardInput::StandardInput(const std::filesystem::path& folder, Tool& tool) : folder_((require_stream(), folder)) {
  Descriptor file = tool.files.create_locked(path());
  Bytes size = 0;
  std::vector<std::byte> room(std::size_t{256} * 1024);
  for (std::size_t got = read_some(room); got > 0; got = read_some(room)) {
    tool.files.write(file, {room.data(), got});
    size += got;
    tool.out.progress(fmt::format("taking standard input: {}", human_size(size)), {{"phase", "take"}, {"bytes", size}});
  }
  tool.files.close(std::move(file));
  if (size > 0) return;
  throw Error{Failure::storage, "standard input is empty", "Whatever was to write the dump has written nothing.",
              "See what it says; a shell hides its failure unless it is told `set -o pipefail`."};
}

}  // namespace belay
