#include "common/prompt.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/ascii.hpp"
#include "common/interrupt.hpp"

namespace belay {

namespace {

/// One line from standard input without its newline; nothing at the end of input. An interruption ends the wait.
bool read_line(std::string& line) {
  line.clear();
  for (;;) {
    pollfd fd{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&fd, 1, 200);
    throw_if_interrupted();
    if (ready <= 0) continue;
    char c = 0;
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    if (c == '\n') return true;
    line += c;
  }
}

}  // namespace

Answer TerminalPrompt::ask(const std::string& question, const std::string& word) {
  if (::isatty(STDIN_FILENO) == 0) return Answer::cannot_ask;
  std::fprintf(stderr, "%s ", printable(question).c_str());
  std::fflush(stderr);
  std::string line;
  if (!read_line(line)) return Answer::no;
  if (word == "yes") return lower(line) == "yes" || lower(line) == "y" ? Answer::yes : Answer::no;
  return line == word ? Answer::yes : Answer::no;
}

}  // namespace belay
