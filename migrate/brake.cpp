#include "migrate/brake.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.hpp"
#include "common/pending_file.hpp"

namespace belay {

namespace {

constexpr Bytes largest = 16 * 1024 * 1024;

std::filesystem::path file_in(const std::filesystem::path& catalogue) { return catalogue / "runs" / "put_back.json"; }

bool same_migration(const PutBackBefore& a, const PutBackBefore& b) {
  return a.system_identifier == b.system_identifier && a.database == b.database && a.migration == b.migration;
}

std::vector<PutBackBefore> without(std::vector<PutBackBefore> all, const std::vector<PutBackBefore>& entries) {
  std::erase_if(all, [&](const PutBackBefore& known) {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const PutBackBefore& entry) { return same_migration(known, entry); });
  });
  return all;
}

void write(Files& files, const std::filesystem::path& catalogue, const std::vector<PutBackBefore>& entries) {
  Json list = Json::array();
  for (const PutBackBefore& entry : entries)
    list.push_back({{"system_identifier", entry.system_identifier},
                    {"database", entry.database},
                    {"migration", entry.migration},
                    {"checksum", entry.checksum},
                    {"run", entry.run},
                    {"at", entry.at},
                    {"message", entry.message}});
  const std::string text =
      Json{{"format", 1}, {"put_back", list}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  remove_dead_half(files, file_in(catalogue));
  PendingFile file{files, file_in(catalogue), PendingFile::Existing::replace};
  file.write(as_bytes(text));
  file.finish();
  file.commit();
}

}  // namespace

std::vector<PutBackBefore> read_put_back(const std::filesystem::path& catalogue) {
  std::vector<PutBackBefore> entries;
  try {
    if (!is_there(file_in(catalogue))) return entries;
    const Json json = Json::parse(read_small_file(file_in(catalogue), largest), nullptr, false);
    if (!json.is_object() || json.value("format", 0) != 1) return entries;
    for (const Json& one : json.at("put_back"))
      entries.push_back({one.at("system_identifier"), one.at("database"), one.at("migration"), one.at("checksum"),
                         one.at("run"), one.at("at"), one.at("message")});
  } catch (const Json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
  return entries;
}

std::string tried_before(const std::vector<PutBackBefore>& known, const std::vector<PutBackBefore>& now) {
  std::string text;
  for (const PutBackBefore& before : known) {
    for (const PutBackBefore& entry : now) {
      if (same_migration(before, entry) && before.checksum == entry.checksum)
        text +=
            fmt::format("{}: run {} put it back at {} ({})\n", before.migration, before.run, before.at, before.message);
    }
  }
  return text;
}

std::vector<PutBackBefore> entries_of(const MigrationPlan& plan, const RunContext& context) {
  std::vector<PutBackBefore> entries;
  for (const PendingMigration& pending : plan.pending)
    entries.push_back({context.server.system_identifier,
                       context.database(),
                       pending.migration.name,
                       pending.migration.checksum,
                       {},
                       {},
                       {}});
  return entries;
}

void remember_put_back(Files& files, const std::filesystem::path& catalogue,
                       const std::vector<PutBackBefore>& entries) {
  make_private_directories(catalogue / "runs");
  std::vector<PutBackBefore> all = without(read_put_back(catalogue), entries);
  all.insert(all.end(), entries.begin(), entries.end());
  write(files, catalogue, all);
}

void forget_put_back(Files& files, const std::filesystem::path& catalogue, const std::vector<PutBackBefore>& entries) {
  const std::vector<PutBackBefore> known = read_put_back(catalogue);
  std::vector<PutBackBefore> left = without(known, entries);
  if (left.size() != known.size()) write(files, catalogue, left);
}

}  // namespace belay
