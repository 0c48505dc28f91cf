// What the tests of list, diff, prune and retention share: folders of backups as after months.
#pragma once
#include <algorithm>
#include <functional>

#include "backup/catalogue.hpp"
#include "tests/cli/tool_bench.hpp"

namespace belay::test {

inline RunResult list(const ToolBench& bench, Words words = {}) {
  words.insert(words.begin(), {"list", "--output-path", "backups"});
  return bench.tool("backup-db", words);
}

inline Json listed(const ToolBench& bench) { return Json::parse(list(bench, {"--json"}).out); }

/// Archives that `list` shows as backups; each is whole, or the test fails.
inline Words names_listed(const ToolBench& bench) {
  Words names;
  const Json json = listed(bench);
  for (const Json& backup : json.at("backups")) {
    const fs::path archive = bench.work / backup.at("archive").get<std::string>();
    const RunResult verified = bench.tool("backup-db", {"verify", archive.string()});
    INFO(verified.out << verified.err);
    CHECK(verified.status == 0);
    names.push_back(archive.filename());
  }
  return names;
}

/// A copy of `archive` in its folder, as it would be if it had been taken `age` earlier, under the name that belay
/// would have given it, or `name`.
inline std::string aged_copy(const std::string& archive, Duration age,
                             const std::function<void(Manifest&)>& change = {}, std::string name = {}) {
  Manifest m = read_manifest_of(archive);
  const fs::path folder = fs::path(archive).parent_path();
  const TimePoint taken = m.created_at - age;
  if (name.empty()) {
    name = m.archive.file;
    name.replace(name.find(archive_stamp(m.created_at).substr(0, 8)), 15, archive_stamp(taken));
  }
  const fs::path copy = folder / name;
  fs::copy_file(archive, copy);
  fs::copy_file(folder / m.schema_file, folder / (name + ".schema.json"));
  m.archive.file = name;
  m.schema_file = name + ".schema.json";
  m.created_at = taken;
  if (change) change(m);
  write_text(manifest_path(copy), write_manifest(m));
  return copy.string();
}

inline constexpr std::chrono::days day{1};

/// A database with one fresh backup and one each of the last days, aged by hand.
class Aged : public ToolBench {
 public:
  explicit Aged(const std::vector<int>& days, const std::string& hint = "aged") : ToolBench(hint) {
    fill_orders(db);
    fresh = take_backup();
    for (const int age : days) old.push_back(aged_copy(fresh, age * day));
  }
  [[nodiscard]] RunResult prune(Words words) const {
    words.insert(words.begin(), {"prune", "--output-path", "backups"});
    return tool("backup-db", words);
  }
  [[nodiscard]] Words names() const { return names_listed(*this); }
  [[nodiscard]] static Words file_names(const Words& archives) {
    Words names;
    for (const std::string& archive : archives) names.push_back(fs::path(archive).filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string fresh;
  Words old;
};

}  // namespace belay::test
