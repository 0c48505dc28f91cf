// The documentation is held to what the programs do: its shell examples are run as they are written, its tables name
// the options and exit statuses that --help names, and its links lead somewhere.
//
// A fenced block that begins with ```sh is run; ```console and ```text blocks show what cannot be run here (a terminal
// is needed, a server is started) or what was printed.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"
#include "tests/support/server.hpp"

namespace fs = std::filesystem;
using belay::test::program;
using belay::test::read_text;
using belay::test::run;
using belay::test::RunResult;
using belay::test::ScratchFolder;
using belay::test::TestDatabase;
using belay::test::write_text;
using Lines = std::vector<std::string>;

namespace {

const Lines& tools() {
  static const Lines names{"backup-db", "restore-database", "rollback-migration", "migrate-production"};
  return names;
}

fs::path project() { return (fs::path{BELAY_TEST_DATA} / ".." / "..").lexically_normal(); }

/// README.md, CHANGELOG.md and everything below docs, by name.
std::vector<fs::path> documents() {
  std::vector<fs::path> files{project() / "README.md", project() / "CHANGELOG.md"};
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(project() / "docs")) {
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream{text};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

struct Block {
  std::string language, text;
  int line = 0;  ///< of its opening fence
};

std::vector<Block> blocks_of(const fs::path& document) {
  std::vector<Block> blocks;
  bool inside = false;
  int number = 0;
  for (const std::string& line : lines_of(read_text(document))) {
    ++number;
    if (line.starts_with("```")) {
      if (!inside) blocks.push_back({line.substr(3), "", number});
      inside = !inside;
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  INFO(document << " has a fence that is not closed");
  REQUIRE_FALSE(inside);
  return blocks;
}

/// The text without its fenced blocks.
Lines prose_of(const fs::path& document) {
  Lines prose;
  bool inside = false;
  for (const std::string& line : lines_of(read_text(document))) {
    if (line.starts_with("```")) {
      inside = !inside;
    } else if (!inside) {
      prose.push_back(line);
    }
  }
  return prose;
}

/// All of a document's examples as one script. Each says where it comes from before it runs.
std::string script_of(const fs::path& document, std::size_t& count) {
  std::string script = "set -euo pipefail\n";
  for (const Block& block : blocks_of(document)) {
    if (block.language != "sh") continue;
    ++count;
    script += "echo '--- " + document.filename().string() + ":" + std::to_string(block.line) + "' >&2\n" + block.text;
  }
  return script;
}

/// What every page but the README begins with: a database with one applied migration and 100 customers, and a folder
/// that holds that migration and a pending one.
void prepare(const ScratchFolder& folder, const TestDatabase& database, const std::map<std::string, std::string>& env) {
  const fs::path migrations = folder / "prisma/migrations";
  write_text(migrations / "migration_lock.toml", "provider = \"postgresql\"\n");
  write_text(migrations / "20260105090000_init/migration.sql",
             "CREATE TABLE customer (id serial PRIMARY KEY, name text NOT NULL);\n");
  const RunResult first =
      run({program("migrate-production"), "--no-rehearse", "--force", "--skip-backup"}, env, {.cwd = folder.path()});
  INFO(first.err);
  REQUIRE(first.status == 0);
  database.sql("INSERT INTO customer (name) SELECT 'customer ' || n FROM generate_series(1, 100) AS n");
  write_text(migrations / "20260112090000_orders/migration.sql",
             "CREATE TABLE orders (id serial PRIMARY KEY, customer_id integer NOT NULL REFERENCES customer);\n");
}

void run_examples(const fs::path& document, const std::string& script) {
  const TestDatabase database{"docs", belay::test::Owner::plain};
  const ScratchFolder folder;
  const fs::path programs = fs::path{program("backup-db")}.parent_path();
  const std::map<std::string, std::string> env{{"DATABASE_URL", belay::test::url_text(database.owner_url())},
                                               {"PATH", programs.string() + ":" + std::getenv("PATH")}};
  if (document.filename() != "README.md") prepare(folder, database, env);
  const RunResult result =
      run({"bash", "-c", script}, env, {.cwd = folder.path(), .timeout = std::chrono::seconds{200}});
  INFO(document << "\n" << result.out << "\n" << result.err);
  CHECK(result.status == 0);
}

std::string help_of(const std::string& tool) {
  const RunResult result = run({program(tool), "--help"});
  REQUIRE(result.status == 0);
  return result.out;
}

struct HelpOption {
  std::string name;
  bool typed_only = false;  ///< marked with *
};

/// The options that a tool's --help lists, in their order.
std::vector<HelpOption> options_in(const std::string& help) {
  std::vector<HelpOption> options;
  const std::regex start{"^  (--[a-z][a-z-]*)"};
  bool in_option = false;
  for (const std::string& line : lines_of(help)) {
    std::smatch found;
    if (std::regex_search(line, found, start)) {
      options.push_back({found[1]});
      in_option = true;
    } else if (!line.starts_with("    ")) {
      in_option = false;
    }
    if (in_option && line.ends_with(" *")) options.back().typed_only = true;
  }
  return options;
}

std::string variable_of(const std::string& option) {
  std::string name = "BELAY_";
  for (const char c : option.substr(2)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

/// Rows of tables: the lines that begin with |.
Lines table_rows(const fs::path& document) {
  Lines rows = prose_of(document);
  std::erase_if(rows, [](const std::string& line) { return !line.starts_with("|"); });
  return rows;
}

/// A heading's anchor as the common renderers make it.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') anchor += '-';
    if (c == '-' || c == '_' || std::isalnum(byte) != 0 || byte >= 0x80U)
      anchor += static_cast<char>(std::tolower(byte));
  }
  return anchor;
}

std::set<std::string> anchors_in(const fs::path& document) {
  std::set<std::string> anchors;
  for (const std::string& line : prose_of(document)) {
    const std::size_t text = line.find_first_not_of('#');
    if (text == 0 || text == std::string::npos || line[text] != ' ') continue;
    anchors.insert(anchor_of(line.substr(text + 1)));
  }
  return anchors;
}

/// Why a link leads nowhere; empty if it does not.
std::string problem_of(const fs::path& document, const std::string& link) {
  if (link.starts_with("http://") || link.starts_with("https://")) return {};
  const std::size_t hash = link.find('#');
  const std::string file = link.substr(0, hash);
  const fs::path target = file.empty() ? document : document.parent_path() / file;
  if (!fs::exists(target)) return "there is no such file";
  if (hash == std::string::npos) return {};
  return anchors_in(target).contains(link.substr(hash + 1)) ? "" : "the file has no such heading";
}

}  // namespace

TEST_CASE("the shell examples of the documentation run as they are written") {
  std::size_t count = 0;
  for (const fs::path& document : documents()) {
    const std::size_t before = count;
    const std::string script = script_of(document, count);
    if (count > before) run_examples(document, script);
  }
  CHECK(count >= 20);
}

TEST_CASE("every fenced block of the documentation says whether it is run") {
  for (const fs::path& document : documents()) {
    for (const Block& block : blocks_of(document)) {
      INFO(document << ":" << block.line);
      CHECK_THAT((Lines{"sh", "console", "text", "json", "toml", "sql"}), Catch::VectorContains(block.language));
    }
  }
}

TEST_CASE("docs/configuration.md lists exactly the options of --help, with their variables") {
  const Lines rows = table_rows(project() / "docs/configuration.md");
  std::set<std::string> known;
  for (const std::string& tool : tools()) {
    const std::vector<HelpOption> options = options_in(help_of(tool));
    CHECK(options.size() > 15);
    for (const HelpOption& option : options) {
      known.insert(option.name);
      if (option.name == "--help" || option.name == "--version") continue;
      const auto names_it = [&](const std::string& line) {
        return line.starts_with("| `" + option.name + "`") || line.starts_with("| `" + option.name + " ") ||
               line.starts_with("| `" + option.name + "[");
      };
      // Two tools may mean different things by one name; then each has its row.
      auto row = std::find_if(rows.begin(), rows.end(), [&](const std::string& line) {
        return names_it(line) && line.find(tool) != std::string::npos;
      });
      if (row == rows.end()) row = std::find_if(rows.begin(), rows.end(), names_it);
      INFO(tool << " " << option.name);
      REQUIRE(row != rows.end());
      const bool names_variable = row->find("`" + variable_of(option.name) + "`") != std::string::npos;
      CHECK(names_variable != option.typed_only);
    }
  }
  const std::regex start{"^\\| `(--[a-z][a-z-]*)"};
  for (const std::string& row : rows) {
    std::smatch found;
    if (!std::regex_search(row, found, start)) continue;
    INFO(found[1].str() << " is no option of any tool");
    CHECK(known.contains(found[1]));
  }
}

TEST_CASE("each tool's page names every option of its own") {
  std::set<std::string> common;
  for (const std::string& tool : tools()) {
    const std::string help = help_of(tool);
    const std::size_t own = help.find("\nOptions\n"), shared = help.find("\nDatabase\n");
    REQUIRE(own < shared);
    const std::string page = read_text(project() / "docs" / (tool + ".md"));
    const std::vector<HelpOption> options = options_in(help.substr(own, shared - own));
    CHECK_FALSE(options.empty());
    for (const HelpOption& option : options) {
      INFO(tool << " " << option.name);
      CHECK(page.find("`" + option.name) != std::string::npos);
    }
  }
}

TEST_CASE("each tool's page names every command of its own") {
  const std::regex command{"^  ([a-z]+) {2,}[a-z]"};
  std::size_t commands = 0;
  for (const std::string& tool : tools()) {
    const std::string help = help_of(tool);
    const std::size_t begin = help.find("\nCommands\n");
    if (begin == std::string::npos) continue;
    const std::string page = read_text(project() / "docs" / (tool + ".md"));
    for (const std::string& line : lines_of(help.substr(begin + 1, help.find("\n\n", begin) - begin))) {
      std::smatch found;
      if (!std::regex_search(line, found, command)) continue;
      ++commands;
      INFO(tool << " " << found[1].str());
      CHECK(page.find(tool + " " + found[1].str()) != std::string::npos);
    }
  }
  CHECK(commands >= 4);
}

TEST_CASE("docs/exit-statuses.md has the statuses of --help and no other") {
  const std::regex in_help{"^ {1,4}([0-9]+)   [a-z]"}, in_table{"^\\| ([0-9]+) \\|"};
  std::set<std::string> listed, written;
  const std::string help = help_of("migrate-production");
  std::smatch found;
  for (const std::string& line : lines_of(help.substr(help.find("Exit statuses")))) {
    if (std::regex_search(line, found, in_help)) listed.insert(found[1]);
  }
  for (const std::string& row : table_rows(project() / "docs/exit-statuses.md")) {
    if (std::regex_search(row, found, in_table)) written.insert(found[1]);
  }
  CHECK(listed.size() == 11);
  CHECK(written == listed);
}

TEST_CASE("every link of the documentation leads somewhere") {
  const std::regex link{"\\]\\(([^)\\s]+)\\)"};
  std::size_t links = 0;
  for (const fs::path& document : documents()) {
    for (const std::string& line : prose_of(document)) {
      for (std::sregex_iterator at{line.begin(), line.end(), link}; at != std::sregex_iterator{}; ++at) {
        ++links;
        INFO(document << " links to " << (*at)[1].str());
        CHECK(problem_of(document, (*at)[1]).empty());
      }
    }
  }
  CHECK(links > 20);
}
