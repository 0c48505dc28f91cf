#include "common/plain_dump_commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.hpp"
#include "common/plain_dump_meta.hpp"
#include "common/plain_dump_refusal.hpp"

namespace belay {

void LeftOutList::add(const std::string& what, std::uint64_t line) {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const LeftOut& one) { return one.what == what; });
  if (found == all_.end())
    all_.push_back({what, 1, line});
  else
    ++found->count;
}

void refuse_meta_line(std::string_view text, std::uint64_t line) {
  refuse_dump_line(line, fmt::format("It holds a command of psql's own: {}", shown_beginning(text)),
                   "pg_dump writes no such command; a dump that holds one is damaged, or was made to do harm.");
}

PlainDumpCommands::PlainDumpCommands(std::string restrict_key, PlainDumpOutput& output, LeftOutList& left_out)
    : own_key_(!restrict_key.empty()), output_(&output), left_out_(&left_out) {
  if (own_key_ && !is_restrict_key(restrict_key))
    throw Error{Failure::bug, "a key for \\restrict is letters and digits"};
  if (own_key_) output_->pass(fmt::format("\\restrict {}\n", restrict_key));
}

void PlainDumpCommands::take(std::string_view text, std::uint64_t line) {
  const MetaLine meta = parse_meta_line(text);
  if (std::exchange(encoding_waits_, false) && meta.kind != MetaLine::Kind::connect) refuse_meta_line(text, line);
  switch (meta.kind) {
    case MetaLine::Kind::restrict_begin:
      return restrict_begin(meta.argument, line);
    case MetaLine::Kind::restrict_end:
      return restrict_end(meta.argument, line);
    case MetaLine::Kind::encoding:
      encoding_waits_ = true;
      left_out_->add("\\encoding", line);
      return output_->pass("\n");
    case MetaLine::Kind::connect:
      return connect(meta.argument, line);
    case MetaLine::Kind::refused:
      refuse_meta_line(text, line);
  }
}

bool PlainDumpCommands::could_be_cut(std::string_view text) const {
  const std::array<std::string, 4> whole{"\\restrict K", "\\unrestrict " + key_, "\\connect D", "\\encoding SQL_ASCII"};
  return std::any_of(whole.begin(), whole.end(), [&](const std::string& command) {
    return text.size() < command.size() && command.starts_with(text);
  });
}

void PlainDumpCommands::restrict_begin(const std::string& key, std::uint64_t line) {
  if (!key_.empty()) refuse_dump_line(line, "It is a second \\restrict inside the first one.");
  key_ = key;
  pass("\\restrict ", key);
}

void PlainDumpCommands::restrict_end(const std::string& key, std::uint64_t line) {
  if (key != key_) refuse_dump_line(line, "It is an \\unrestrict with another key than the \\restrict before it.");
  key_.clear();
  pass("\\unrestrict ", key);
}

void PlainDumpCommands::pass(std::string_view command, const std::string& key) {
  if (!own_key_) output_->pass(fmt::format("{}{}", command, key));
  output_->pass("\n");
}

/// pg_dump -C connects to the database that it created, and once more if it set something for that database.
void PlainDumpCommands::connect(const std::string& database, std::uint64_t line) {
  if (!database_.empty() && database != database_)
    refuse_dump_line(line,
                     fmt::format("The dump holds more than one database: {} after {}.", shown_beginning(database),
                                 shown_beginning(database_)),
                     "pg_dumpall makes such a file; take out the part of one database, or dump it with pg_dump.");
  database_ = database;
  left_out_->add("\\connect", line);
  output_->pass("\n");
}

}  // namespace belay
