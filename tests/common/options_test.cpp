#include "common/options.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using namespace belay;
using Catch::Contains;

namespace {

using Variables = std::map<std::string, std::string>;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

/// A tool with one option of each kind.
struct Tool {
  CommonOptions common;
  bool compress = false, skip_backup = false, deep = false;
  std::optional<std::string> name, mode, restore_backup, wait, word;
  std::optional<fs::path> output_path;
  std::optional<int> retention_days;
  std::vector<std::string> critical_table;
  std::vector<std::pair<std::string, std::string>> checklist;
  OptionSet set{"migrate-production", "backup, rehearse, deploy, verify"};

  explicit Tool(bool with_verbs = true) {
    if (with_verbs) {
      set.command("status", "what is pending");
      set.command("history", "one migration's story");
    }
    set.positional("NAME", word, "a migration", with_verbs ? Words{"history"} : Words{});
    set.example("migrate-production --force", "in CI");
    set.path("--output-path", output_path, "DIR", "where to");
    set.flag("--compress", compress, "smaller");
    set.flag("--skip-backup", skip_backup, "no backup", Where::command_line_only);
    set.text("--name", name, "NAME", "a name");
    set.choice("--mode", mode, {"stop", "restore"}, "what to do");
    set.optional_text("--restore-backup", restore_backup, "newest", "FILE", "from a backup");
    set.duration("--wait", wait, "how long");
    set.number("--retention-days", retention_days, 0, 3650, "days");
    set.list("--critical-table", critical_table, "NAME", "watched closely");
    set.section("checklist", checklist);
    set.flag("--deep", deep, "look twice");
    if (with_verbs) set.only_for("--deep", {"", "status"});
    add_migrations_option(set, common);
    add_restore_options(set, common);
    add_common_options(set, common);
  }

  std::optional<std::string> parse(const Words& arguments, const Variables& variables = {}) {
    return set.parse(arguments, [variables](const std::string& wanted) -> std::optional<std::string> {
      const auto found = variables.find(wanted);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    });
  }
};

std::string refusal(const Words& arguments, const Variables& variables = {}, bool with_verbs = true) {
  Tool tool{with_verbs};
  try {
    (void)tool.parse(arguments, variables);
  } catch (const Error& error) {
    CHECK(error.kind == Failure::usage);
    return error.message + '\n' + error.detail + '\n' + error.hint;
  }
  return "(taken)";
}

/// A belay.toml that is gone with the test.
class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text, mode_t mode = 0600) {
    std::string folder = (fs::temp_directory_path() / "belay-options-XXXXXX").string();
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    std::ofstream(path()) << text;
    REQUIRE(::chmod(path().c_str(), mode) == 0);
  }
  ~ConfigFile() {
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  [[nodiscard]] std::string path() const { return (folder_ / "belay.toml").string(); }

 private:
  fs::path folder_;
};

}  // namespace

TEST_CASE("the command line fills every kind of option") {
  Tool tool;
  CHECK(tool.parse({"history", "2026_x", "--output-path", "/b", "--compress", "--skip-backup", "--name=n=1", "--mode",
                    "stop", "--wait", "5s", "--retention-days", "7", "--critical-table", "a", "--critical-table=b,c",
                    "--force"}) == "history");
  CHECK(tool.word == "2026_x");
  CHECK(tool.output_path == fs::path("/b"));
  CHECK(tool.compress);
  CHECK(tool.skip_backup);
  CHECK(tool.name == "n=1");
  CHECK(tool.mode == "stop");
  CHECK(tool.wait == "5s");
  CHECK(tool.retention_days == 7);
  CHECK(tool.critical_table == Words{"a", "b,c"});
  CHECK(tool.common.force);
  CHECK_FALSE(tool.common.json);
}

TEST_CASE("without a verb the verb is empty, and nothing is set that was not given") {
  Tool tool;
  CHECK(tool.parse({}) == "");
  CHECK_FALSE(tool.name);
  CHECK_FALSE(tool.restore_backup);
  CHECK_FALSE(tool.common.keep);
  CHECK(tool.critical_table.empty());
}

TEST_CASE("options may stand before and after the verb, and words that look like verbs stay words") {
  struct Case {
    Words arguments;
    std::string verb, word, name;
  };
  const Case row = GENERATE(Case{{"--name", "n", "history", "x"}, "history", "x", "n"},
                            Case{{"history", "--name", "n", "x"}, "history", "x", "n"},
                            Case{{"history", "x", "--name", "n"}, "history", "x", "n"},
                            Case{{"history", "status"}, "history", "status", ""},
                            Case{{"--name", "status", "history", "x"}, "history", "x", "status"},
                            Case{{"history", "--name", "history", "history"}, "history", "history", "history"},
                            Case{{"status"}, "status", "", ""}, Case{{"history", "[a,b]"}, "history", "[a,b]", ""},
                            Case{{"history", "--name", "[a,b]", "x"}, "history", "x", "[a,b]"},
                            Case{{"history", "--name", "-", "x"}, "history", "x", "-"});
  Tool tool;
  CAPTURE(row.arguments);
  CHECK(tool.parse(row.arguments) == row.verb);
  CHECK(tool.word.value_or("") == row.word);
  CHECK(tool.name.value_or("") == row.name);
}

TEST_CASE("a tool without verbs takes a bare word, one with verbs does not take a mistyped one") {
  Tool tool{false};
  CHECK(tool.parse({"2026_x"}) == "");
  CHECK(tool.word == "2026_x");
  CHECK_THAT(refusal({"2026_x"}), Contains("\"2026_x\" is no command"));
  CHECK_THAT(refusal({"stauts"}), Contains("Did you mean migrate-production status?"));
  CHECK_THAT(refusal({"status", "x"}), Contains("one word too many"));
  CHECK_THAT(refusal({"history", "x", "y"}), Contains("\"y\" is one word too many"));
  CHECK_THAT(refusal({"history", "x", "y", "z", "v", "w"}), Contains("one word too many"));
  CHECK_THAT(refusal({"x", "history"}), Contains("\"x\" is no command"));
}

TEST_CASE("an option with an optional value can stand alone") {
  struct Case {
    Words arguments;
    std::string value;
  };
  const Case row =
      GENERATE(Case{{"--restore-backup"}, "newest"}, Case{{"--restore-backup", "f.dump"}, "f.dump"},
               Case{{"--restore-backup=f.dump"}, "f.dump"}, Case{{"--restore-backup", "--compress"}, "newest"},
               Case{{"--restore-backup", "status"}, "newest"});
  Tool tool;
  CAPTURE(row.arguments);
  (void)tool.parse(row.arguments);
  CHECK(tool.restore_backup == row.value);
}

TEST_CASE("a wrong command line is refused with an answer") {
  struct Case {
    Words arguments;
    std::string says;
  };
  const Case row = GENERATE(
      Case{{"--outputpath", "x"}, "Did you mean --output-path?"}, Case{{"--migratons=x"}, "Did you mean --migrations?"},
      Case{{"status", "--jsn"}, "Did you mean --json?"}, Case{{"--zzzzzzzz"}, "option --zzzzzzzz is not known"},
      Case{{"-x"}, "option -x is not known"}, Case{{"--name"}, "--name needs a value (NAME)"},
      Case{{"--name", "--force"}, "an option follows"}, Case{{"--name", "-Force"}, "an option follows"},
      Case{{"--name="}, "empty value"}, Case{{"--name", ""}, "empty value"}, Case{{"--restore-backup="}, "empty value"},
      Case{{"--name", "a", "--name", "b"}, "given twice"},
      Case{{"--retention-days", "soon"}, "whole number from 0 to 3650"},
      Case{{"--retention-days", "-1"}, "whole number"}, Case{{"--retention-days", "3651"}, "whole number"},
      Case{{"--retention-days", "7d"}, "whole number"}, Case{{"--retention-days", "99999999999"}, "whole number"},
      Case{{"--mode", "go"}, "not one of stop, restore"}, Case{{"--wait", "5 minutes"}, "length of time"},
      Case{{"--lock-timeout", "5 lightyears"}, "length of time"}, Case{{"--force=maybe"}, "takes no value"},
      Case{{"--schema", "prisma/schema.prisma"}, "--prisma-schema"},
      Case{{"--schema=schema.prisma"}, "--prisma-schema"},
      Case{{"--config", "prisma.config.ts"}, "--migrations DIR and --database-url"},
      Case{{"--config=/x/prisma.config.mjs"}, "--migrations DIR and --database-url"},
      Case{{"--config", "/nowhere.toml"}, "could not read"});
  CAPTURE(row.arguments);
  CHECK_THAT(refusal(row.arguments), Contains(row.says));
}

TEST_CASE("PowerShell's spelling is answered with belay's") {
  struct Case {
    Words arguments;
    std::string says;
  };
  const Case row =
      GENERATE(Case{{"-Force"}, "-Force is written --force"},
               Case{{"-OutputPath", "X"}, "Type migrate-production --output-path DIR."},
               Case{{"-outputpath", "X"}, "--output-path"}, Case{{"-SkipBackup"}, "--skip-backup"},
               Case{{"-Compress:$true"}, "-Compress is written --compress"}, Case{{"status", "-Json"}, "--json"},
               Case{{"-RetentionDays", "7"}, "--retention-days N"}, Case{{"-RestoreBackup"}, "--restore-backup"});
  CAPTURE(row.arguments);
  CHECK_THAT(refusal(row.arguments), Contains(row.says));
}

TEST_CASE("Prisma's commands are answered with what to use") {
  struct Case {
    Words arguments;
    std::string says;
  };
  const Case row = GENERATE(
      Case{{"dev"}, "use `migrate-production`"}, Case{{"db", "push"}, "db push"}, Case{{"db", "pull"}, "db pull"},
      Case{{"generate"}, "prisma generate"}, Case{{"studio"}, "psql"}, Case{{"reset"}, "deletes all data"},
      Case{{"migrate", "deploy"}, "without a command"}, Case{{"migrate", "status"}, "`migrate-production status`"},
      Case{{"migrate", "dev"}, "migrate dev"}, Case{{"migrate"}, "Leave out `migrate`"}, Case{{"init"}, "prisma init"},
      Case{{"format"}, "prisma format"}, Case{{"dev", "--name", "x"}, "migrate dev"});
  CAPTURE(row.arguments);
  const std::string text = refusal(row.arguments);
  CHECK_THAT(text, Contains("is a command of Prisma"));
  CHECK_THAT(text, Contains(row.says));
}

TEST_CASE("a password in any argument is refused and not repeated") {
  const std::string argument =
      GENERATE("--database-url=postgresql://u:s3cret@h/app", "postgresql://u:s3cret@h/app",
               "--databse-url=postgres://u:s3cret@h/app", "--name=postgresql://u:s3/cret@h/app",
               "--name=postgresql://h/app?password=s3cret", "--name=host=h password=s3cret",
               "--name=https://u:s3cret@health/x", "--name=curl https://u:s3cret@health/x");
  CAPTURE(argument);
  const std::string text = refusal({argument});
  CHECK_THAT(text, Contains("password"));
  CHECK_THAT(text, !Contains("s3") && !Contains("cret"));
  const std::string spaced = refusal({"--database-url", "postgresql://u:s3cret@h/app"});
  CHECK_THAT(spaced, Contains("argument 2 holds a password"));
  CHECK_THAT(spaced, !Contains("s3cret"));
}

TEST_CASE("URLs without a password may stand in an argument") {
  const std::string value =
      GENERATE("postgresql://u@h:5432/app", "postgresql://h/app?schema=x", "postgresql:///app", "postgresql://u:@h/app",
               "https://health:8080/x", "https://health:8080/x@y", "postgresql://u@a:1,b:2/app");
  Tool tool;
  (void)tool.parse({"--database-url", value});
  CHECK(tool.common.database_url == value);
  CHECK(tool.common.database_url_source == "--database-url");
}

TEST_CASE("the environment gives the same options, password included") {
  Tool tool;
  (void)tool.parse({}, {{"BELAY_OUTPUT_PATH", "/b"},
                        {"BELAY_COMPRESS", "yes"},
                        {"BELAY_JSON", "0"},
                        {"BELAY_RESTORE_BACKUP", "true"},
                        {"BELAY_CRITICAL_TABLE", "a,b"},
                        {"BELAY_RETENTION_DAYS", "3"},
                        {"BELAY_DATABASE_URL", "postgresql://u:p@h/app"},
                        {"BELAY_SOMETHING_ELSE", ""}});
  CHECK(tool.output_path == fs::path("/b"));
  CHECK(tool.compress);
  CHECK_FALSE(tool.common.json);
  CHECK(tool.restore_backup == "newest");
  CHECK(tool.critical_table == Words{"a", "b"});
  CHECK(tool.retention_days == 3);
  CHECK(tool.common.database_url == "postgresql://u:p@h/app");
  CHECK(tool.common.database_url_source == "environment BELAY_DATABASE_URL");
}

TEST_CASE("a wrong variable is refused by name") {
  struct Case {
    std::string variable, value, says;
  };
  const Case row =
      GENERATE(Case{"BELAY_NAME", "", "BELAY_NAME is empty"}, Case{"BELAY_JSON", "", "BELAY_JSON is empty"},
               Case{"BELAY_CONFIG", "", "BELAY_CONFIG is empty"}, Case{"BELAY_JSON", "maybe", "neither true nor false"},
               Case{"BELAY_RETENTION_DAYS", "x", "environment BELAY_RETENTION_DAYS"},
               Case{"BELAY_CRITICAL_TABLE", "a,,b", "empty"}, Case{"BELAY_FORCE", "1", "command line only"},
               Case{"BELAY_FORCE", "", "command line only"}, Case{"BELAY_SKIP_BACKUP", "true", "--skip-backup"});
  CAPTURE(row.variable, row.value);
  CHECK_THAT(refusal({}, {{row.variable, row.value}}), Contains(row.says));
}

TEST_CASE("belay.toml is read through --config or BELAY_CONFIG only") {
  const ConfigFile file{
      "# ours\n[all]\nkeep = 4\nlock-timeout = \"5s\"\nname = 'all'\n\n[migrate-production]\nname = \"its "
      "own\"\ncompress = true\n"
      "critical-table = [\"a\",\n  \"b\", # two\n]\nrestore-backup = true\n[backup-db]\nwhatever = 1\n"
      "[checklist]\nteam = \"The team was told\"\n\"app down\" = 'Maintenance mode'\n"};
  const bool by_variable = GENERATE(false, true);
  Tool tool;
  (void)tool.parse(by_variable ? Words{} : Words{"--config", file.path()},
                   by_variable ? Variables{{"BELAY_CONFIG", file.path()}} : Variables{});
  CHECK(tool.common.keep == 4);
  CHECK(tool.common.lock_timeout == "5s");
  CHECK(tool.name == "its own");
  CHECK(tool.compress);
  CHECK(tool.critical_table == Words{"a", "b"});
  CHECK(tool.restore_backup == "newest");
  REQUIRE(tool.checklist.size() == 2);
  CHECK(tool.checklist[1] == std::pair<std::string, std::string>{"app down", "Maintenance mode"});
}

TEST_CASE("the command line wins over the environment, and that over belay.toml") {
  const ConfigFile file{
      "[all]\nname = \"toml\"\njson = true\nquiet = true\n[migrate-production]\ncritical-table = ['t']\nretention-days "
      "= 1\n"};
  Tool tool;
  (void)tool.parse({"--config", file.path(), "--name", "typed", "--quiet=false"},
                   {{"BELAY_NAME", "variable"}, {"BELAY_JSON", "false"}, {"BELAY_CRITICAL_TABLE", "v"}});
  CHECK(tool.name == "typed");
  CHECK_FALSE(tool.common.json);
  CHECK_FALSE(tool.common.quiet);
  CHECK(tool.critical_table == Words{"v"});
  CHECK(tool.retention_days == 1);
}

TEST_CASE("a mistake in a source that is overruled is found all the same") {
  const ConfigFile file{"[all]\nkeep = -1\n"};
  CHECK_THAT(refusal({"--config", file.path(), "--keep", "2"}), Contains("line 2"));
  CHECK_THAT(refusal({"--keep", "2"}, {{"BELAY_KEEP", "none"}}), Contains("BELAY_KEEP"));
}

TEST_CASE("a wrong belay.toml is refused with file and line") {
  struct Case {
    std::string text, line, says;
  };
  const Case row = GENERATE(
      Case{"[all]\nnam = \"x\"\n", "line 2", "Did you mean name?"},
      Case{"[all]\n\n# c\nunheard-of = 1\n", "line 4", "has no option"},
      Case{"[al]\n", "line 1", "Did you mean [all]?"}, Case{"name = \"x\"\n", "line 1", "no section"},
      Case{"[all]\nname = \"x\"\nname = \"y\"\n", "line 3", "twice"}, Case{"[all]\n[all]\n", "line 2", "twice"},
      Case{"[all]\nname = \"\"\n", "line 2", "empty"}, Case{"[all]\nname =\n", "line 2", "missing"},
      Case{"[all]\nname = x\n", "line 2", "quotes"}, Case{"[all]\nname = \"x\n", "line 2", "not closed"},
      Case{"[all]\nname = \"x\" y\n", "line 2", "follows the value"},
      Case{"[all]\nname \"x\"\n", "line 2", "not followed by ="}, Case{"[all]\nname = 5\n", "line 2", "wrong type"},
      Case{"[all]\njson = \"true\"\n", "line 2", "wrong type"}, Case{"[all]\njson = 1\n", "line 2", "wrong type"},
      Case{"[all]\nkeep = \"4\"\n", "line 2", "wrong type"}, Case{"[all]\nkeep = 4.5\n", "line 2", "whole number"},
      Case{"[all]\nkeep = -1\n", "line 2", "whole number from 1"},
      Case{"[all]\nlock-timeout = 5\n", "line 2", "wrong type"},
      Case{"[all]\nlock-timeout = \"5 sec\"\n", "line 2", "length of time"},
      Case{"[all]\nforce = true\n", "line 2", "command line only"},
      Case{"[migrate-production]\nskip-backup = true\n", "line 2", "command line only"},
      Case{"[all]\nconfig = \"x\"\n", "line 2", "cannot stand in the file"},
      Case{"[all]\ncritical-table = []\n", "line 2", "empty"},
      Case{"[all]\ncritical-table = [\"\"]\n", "line 2", "empty"},
      Case{"[all]\ncritical-table = [1]\n", "line 2", "texts in quotes"},
      Case{"[all]\ncritical-table = [\"a\"\n", "line 3", "missing in an array"}, Case{"[all\n", "line 1", "not closed"},
      Case{"[[all]]\n", "line 1", "Arrays of tables"}, Case{"[all]\na.b = 1\n", "line 2", "dots"},
      Case{"[all]\nname = \"\"\"x\"\"\"\n", "line 2", "three quotes"},
      Case{"[all]\nname = \"\\q\"\n", "line 2", "backslash"}, Case{"[checklist]\nx = 1\n", "line 2", "not text"},
      Case{"[all]\n= 1\n", "line 2", "neither a key"});
  CAPTURE(row.text);
  const ConfigFile file{row.text};
  const std::string text = refusal({"--config", file.path()});
  CHECK_THAT(text, Contains(file.path() + ' ' + row.line));
  CHECK_THAT(text, Contains(row.says));
}

TEST_CASE("a belay.toml with a password must not be readable by everybody") {
  const std::string with = "[all]\ndatabase-url = \"postgresql://u:s3cret@h/app\"\n";
  const std::string without = "[all]\ndatabase-url = \"postgresql://u@h/app\"\n";
  const ConfigFile open{with, 0644}, closed{with, 0640}, harmless{without, 0644};
  const std::string text = refusal({"--config", open.path()});
  CHECK_THAT(text, Contains("line 2") && Contains("chmod 600") && !Contains("s3cret"));
  CHECK(refusal({"--config", closed.path()}) == "(taken)");
  CHECK(refusal({"--config", harmless.path()}) == "(taken)");
  Tool tool;
  (void)tool.parse({"--config", closed.path()});
  CHECK(tool.common.database_url_source == "file " + closed.path() + " line 2");
}

TEST_CASE("an option typed with a verb that has no use for it is refused, and said elsewhere it is for all") {
  const std::string text = refusal({"history", "x", "--deep"});
  CHECK_THAT(text, Contains("--deep belongs to migrate-production") && Contains("`migrate-production status`"));
  Tool typed;
  CHECK(typed.parse({"status", "--deep"}) == "status");
  Tool set_for_all;
  CHECK(set_for_all.parse({"history", "x"}, {{"BELAY_DEEP", "true"}}) == "history");
}

TEST_CASE("lengths of time are PostgreSQL's") {
  struct Case {
    std::string text;
    std::optional<long> milliseconds;
  };
  const Case row =
      GENERATE(Case{"5s", 5000}, Case{"2min", 120000}, Case{"500ms", 500}, Case{"500", 500}, Case{"0", 0},
               Case{"1h", 3600000}, Case{"1d", 86400000}, Case{"1.5s", 1500}, Case{"5 s", 5000}, Case{"2000us", 2},
               Case{"24d", 2073600000}, Case{"25d", {}}, Case{"1us", {}}, Case{"", {}}, Case{"s", {}}, Case{"5m", {}},
               Case{"5S", {}}, Case{"-5s", {}}, Case{"+5s", {}}, Case{"5sec", {}}, Case{"5s ", {}}, Case{" 5s", {}},
               Case{"inf", {}}, Case{"nan", {}}, Case{"1e3", {}}, Case{"5,5s", {}});
  CAPTURE(row.text);
  const std::optional<std::chrono::milliseconds> found = parse_duration(row.text);
  CHECK(found.has_value() == row.milliseconds.has_value());
  if (found && row.milliseconds) CHECK(found->count() == *row.milliseconds);
}

TEST_CASE("the help shows everything and fits a hundred columns") {
  const Tool tool;
  const std::string help = tool.set.help();
  for (const char* part : {"migrate-production: backup, rehearse", "Usage: migrate-production [COMMAND]", "Examples",
                           "migrate-production --force", "history", "--output-path DIR", "--restore-backup[=FILE]",
                           "--mode stop|restore", "--skip-backup", "no backup *", "Database", "--lock-timeout DURATION",
                           "Exit statuses", "130   interrupted", "DATABASE_URL", "BELAY_LOCK_TIMEOUT"}) {
    CHECK_THAT(help, Contains(part));
  }
  std::size_t begin = 0;
  while (begin < help.size()) {
    const std::size_t end = help.find('\n', begin);
    const std::string line = help.substr(begin, end - begin);
    CAPTURE(line);
    CHECK(line.size() <= 104);  // a few bytes more than columns: an ellipsis is three
    begin = end + 1;
  }
}
