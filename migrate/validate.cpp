#include "migrate/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <string_view>

#include "common/error.hpp"
#include "common/migrations_text.hpp"
#include "common/run_context.hpp"
#include "common/script.hpp"

namespace belay {

namespace fs = std::filesystem;

namespace {

using Weight = Finding::Weight;

constexpr std::size_t stamp_digits = 14;

/// The 14 digits of a name of the usual form; empty if it has another.
std::string_view stamp_of(std::string_view name) {
  const std::string_view start = name.substr(0, stamp_digits);
  const bool digits = start.size() == stamp_digits &&
                      std::all_of(start.begin(), start.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits && name.size() > stamp_digits + 1 && name[stamp_digits] == '_' ? start : std::string_view{};
}

bool is_utf8(const std::string& bytes) { return as_node_reads_utf8(bytes) == bytes; }

class Validation {
 public:
  explicit Validation(const FolderFacts& facts) : facts_(facts) {}

  std::vector<Finding> run() {
    if (!facts_.exists) {
      add(Weight::problem, "", "the folder does not exist, or is none");
      return findings_;
    }
    check_whole();
    for (const Migration& migration : facts_.folder.migrations) {
      check_name(migration.name);
      check_bytes(migration);
    }
    return findings_;
  }

 private:
  void add(Weight weight, const std::string& migration, const std::string& text, int line = 0) {
    findings_.push_back({weight, migration, line, text});
  }

  void check_whole() {
    const MigrationsFolder& folder = facts_.folder;
    if (folder.migrations.empty()) add(Weight::problem, "", "no migration found");
    if (!folder.lock_provider) {
      add(Weight::note, "", "there is no migration_lock.toml; Prisma accepts that");
    } else if (*folder.lock_provider != "postgresql") {
      add(Weight::problem, "",
          fmt::format("migration_lock.toml is for another database system: \"{}\", not postgresql, as Prisma reads it "
                      "(P3019)",
                      *folder.lock_provider));
    }
    if (folder.bytewise_order_differs)
      add(Weight::note, "", "Prisma up to 6.5 would apply the migrations in another order");
    for (const std::string& link : facts_.links)
      add(Weight::note, link, "is a symbolic link to a folder, which Prisma passes over");
  }

  void check_name(const std::string& name) {
    const bool control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    if (!is_utf8(name)) {
      add(Weight::problem, name, "the name is not UTF-8, and cannot be recorded");
    } else if (control) {
      add(Weight::note, name, "the name holds control characters");
    } else if (stamp_of(name).empty()) {
      add(Weight::note, name, "the name has not the usual form YYYYMMDDHHMMSS_name; it is sorted by its characters");
    } else if (stamp_of(name) == last_stamp_) {
      add(Weight::note, name, "the one before has the same time in its name; the rest of the names decides the order");
    }
    last_stamp_ = stamp_of(name);
  }

  void check_bytes(const Migration& migration) {
    const std::string& name = migration.name;
    if (!migration.script) return add(Weight::problem, name, "there is no readable migration.sql (P3015)");
    const std::string& script = *migration.script;
    const bool bad_bytes = std::find(facts_.not_utf8.begin(), facts_.not_utf8.end(), name) != facts_.not_utf8.end();
    const bool mark = script.starts_with("\xEF\xBB\xBF");
    const bool nul = script.find('\0') != std::string::npos;
    if (bad_bytes)
      add(Weight::problem, name, "migration.sql is not UTF-8; Prisma runs it with U+FFFD for what it cannot read");
    if (mark) add(Weight::problem, name, "migration.sql begins with a byte order mark, which the server refuses", 1);
    if (nul) {
      const auto line = std::count(script.begin(), script.begin() + static_cast<long>(script.find('\0')), '\n') + 1;
      add(Weight::problem, name, "migration.sql holds a NUL byte, which the server refuses", static_cast<int>(line));
    }
    if (!mark && !nul) check_statements(name, parse_script(script));
  }

  void check_statements(const std::string& name, const Script& script) {
    if (!script.parsed) {
      return add(Weight::note, name,
                 fmt::format("not understood by the parser ({}); it is sent as a whole, and the server decides",
                             script.parse_error));
    }
    if (script.statements.empty()) add(Weight::note, name, "there is no statement in it");
    for (const Statement& statement : script.statements) {
      if (statement.transaction_control) {
        add(Weight::note, name, fmt::format("{} of its own: it is not one transaction", statement.kind),
            statement.line);
      } else if (statement.outside_transaction) {
        add(Weight::note, name, fmt::format("{} cannot run in one transaction with the rest", statement.kind),
            statement.line);
      }
    }
  }

  const FolderFacts& facts_;
  std::string_view last_stamp_;
  std::vector<Finding> findings_;
};

/// Only the raw bytes tell: what is not UTF-8 has been replaced in Migration::script, as Prisma does.
bool file_is_utf8(const Migration& migration) {
  std::ifstream file{migration.file, std::ios::binary};
  const std::string bytes{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  return is_utf8(bytes);
}

std::vector<std::string> linked_folders(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;  // a link that leads nowhere, or in a circle, leads to no folder
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_symlink(ignored) && entry.is_directory(ignored)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

FolderFacts read_facts(const fs::path& folder) {
  std::error_code ignored;  // what cannot be looked at does not exist for a deploy either
  FolderFacts facts{.exists = fs::is_directory(folder, ignored)};
  facts.folder.path = folder;
  if (!facts.exists) return facts;
  facts.folder = read_migrations(folder);
  for (const Migration& migration : facts.folder.migrations) {
    if (migration.script && !file_is_utf8(migration)) facts.not_utf8.push_back(migration.name);
  }
  facts.links = linked_folders(folder);
  return facts;
}

std::string word_of(Weight weight) { return weight == Weight::problem ? "problem" : "note"; }

std::string line_of(const Finding& finding) {
  std::string where = finding.migration;
  if (finding.line > 0) where += fmt::format("/migration.sql:{}", finding.line);
  return fmt::format("{:<7}  {}{}{}\n", word_of(finding.weight), where, where.empty() ? "" : ": ", finding.text);
}

Json json_of(const Finding& finding) {
  return {{"weight", word_of(finding.weight)},
          {"migration", finding.migration.empty() ? Json(nullptr) : Json(finding.migration)},
          {"line", finding.line == 0 ? Json(nullptr) : Json(finding.line)},
          {"text", finding.text}};
}

}  // namespace

std::vector<Finding> validate_folder(const FolderFacts& facts) { return Validation{facts}.run(); }

int run_validate(const MigrateOptions& options, Tool& tool) {
  const FolderFacts facts = read_facts(migrations_folder(options.common));
  const std::vector<Finding> findings = validate_folder(facts);
  const auto problems = static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [](const Finding& finding) { return finding.weight == Weight::problem; }));
  const std::size_t found = facts.folder.migrations.size();
  std::string text =
      fmt::format("{} migration{} found in {}\n", found, found == 1 ? "" : "s", facts.folder.path.string());
  Json list = Json::array();
  for (const Finding& finding : findings) {
    text += line_of(finding);
    list.push_back(json_of(finding));
  }
  text += problems == 0 ? "No problem found.\n" : fmt::format("{} problem{}.\n", problems, problems == 1 ? "" : "s");
  tool.out.result(
      {text, {{"folder", facts.folder.path.string()}, {"found", found}, {"problems", problems}, {"findings", list}}});
  return problems == 0 ? 0 : static_cast<int>(Failure::answer_no);
}

}  // namespace belay
