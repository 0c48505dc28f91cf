#include "common/plain_dump_output.hpp"

#include "common/newlines.hpp"

namespace belay {

namespace {

constexpr std::size_t worth_a_write = 65536;

}  // namespace

void PlainDumpOutput::pass(std::string_view text) {
  if (!sink_ || text.empty()) return;
  if (gathered_.size() + text.size() > worth_a_write) flush();
  if (text.size() >= worth_a_write)
    sink_(as_bytes(text));
  else
    gathered_ += text;
}

void PlainDumpOutput::leave_out(std::string_view text) { pass(std::string(count_newlines(text), '\n')); }

void PlainDumpOutput::flush() {
  if (gathered_.empty()) return;
  sink_(as_bytes(gathered_));
  gathered_.clear();
}

}  // namespace belay
