#include "migrate/lint_verb.hpp"

#include <fmt/format.h>

#include <regex>

#include "common/pending_file.hpp"
#include "common/pooler.hpp"
#include "common/run_context.hpp"
#include "migrate/read_history.hpp"

namespace belay {

namespace {

/// Of the folder's migrations those that are named, or all of them.
std::vector<LintScript> scripts_of(const std::vector<const Migration*>& migrations) {
  std::vector<LintScript> scripts;
  for (const Migration* migration : migrations) {
    if (migration->script) scripts.push_back(lint_script(*migration, parse_script(*migration->script)));
  }
  return scripts;
}

std::vector<const Migration*> all_of(const MigrationsFolder& folder) {
  std::vector<const Migration*> migrations;
  for (const Migration& migration : folder.migrations) migrations.push_back(&migration);
  return migrations;
}

LintCatalog read_catalog(const DatabaseTarget& target, const Tool& tool) {
  Connection db = connect_to_read(target, tool);
  try {
    LintCatalog catalog = read_lint_catalog(db, target.url.schema);
    give_back_settings(db);
    return catalog;
  } catch (const ServerError& error) {
    if (error.connection_lost)
      throw Error{Failure::connection, "lost the connection while reading the catalog", error.detail};
    throw Error{Failure::refused, "could not read the catalog", error.detail,
                "Nothing was changed. `migrate-production lint --offline` needs no database."};
  }
}

LintReport lint_offline(const MigrationsFolder& folder, const MigrateOptions& options) {
  const std::vector<LintScript> scripts = scripts_of(all_of(folder));
  return {.findings = lint(scripts, LintCatalog{}, {.history = true, .name_pattern = options.name_pattern}),
          .migrations = scripts.size(),
          .live = false,
          .database = {}};
}

LintReport lint_live(const MigrationsFolder& folder, const MigrateOptions& options, Tool& tool) {
  const HistoryReading reading = read_history_only(tool, options.common, folder.path);
  const DatabaseTarget target = resolve_target(options.common, real_surroundings(), folder.path);
  LintCatalog catalog = read_catalog(target, tool);
  std::vector<const Migration*> wanted;
  const std::vector<JoinedMigration> joined = join_history(folder, reading.history);
  for (const JoinedMigration& migration : joined) {
    if (migration.pending_for_deploy() && migration.local) wanted.push_back(&*migration.local);
  }
  if (options.lint_all) {
    wanted = all_of(folder);
    catalog = without_tables(std::move(catalog));
  }
  const std::vector<LintScript> scripts = scripts_of(wanted);
  return {.findings =
              lint(scripts, std::move(catalog), {.history = options.lint_all, .name_pattern = options.name_pattern}),
          .migrations = scripts.size(),
          .live = true,
          .database = reading.database};
}

/// Died before the rename: NAME.partial is there, and what was there under the name before.
void write_sarif(const LintReport& report, const std::filesystem::path& path, Tool& tool) {
  remove_dead_half(tool.files, path);
  PendingFile file{tool.files, path, PendingFile::Existing::replace};
  const std::string text = lint_sarif(report).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  file.write(as_bytes(text));
  file.commit();
}

}  // namespace

void add_lint_options(OptionSet& set, MigrateOptions& options) {
  set.command("lint",
              "what the pending migrations will do: lost data, rewrites, locks, what breaks the running application; "
              "0 = nothing that --fail-on names");
  set.choice("--fail-on", options.fail_on, {"error", "warning"},
             "lint, and a guarded run before its backup: which findings stop it [error]");
  set.flag("--all", options.lint_all, "lint: the whole folder from its beginning, not only what is pending",
           Where::command_line_only);
  set.flag("--offline", options.offline, "lint: the whole folder without a database; every table is taken to be filled",
           Where::command_line_only);
  set.path("--sarif", options.sarif, "FILE", "lint: write the findings in SARIF 2.1.0 too");
  set.text("--name-pattern", options.name_pattern, "REGEX",
           "lint: what a migration's whole name has to match [14 digits, _, words that say something]");
  set.only_for("--fail-on", {"lint", ""});
  set.only_for("--name-pattern", {"lint", ""});
  for (const char* option : {"--all", "--offline", "--sarif"}) set.only_for(option, {"lint"});
}

void check_name_pattern(const std::optional<std::string>& pattern) {
  if (!pattern) return;
  try {
    const std::regex understood{*pattern};
  } catch (const std::regex_error& error) {
    throw Error{Failure::usage, fmt::format("--name-pattern \"{}\" is no regular expression", *pattern), error.what(),
                "For example \"[0-9]{14}_[a-z0-9_]+\"."};
  }
}

int run_lint(const MigrateOptions& options, Tool& tool) {
  const MigrationsFolder folder = read_migrations(migrations_folder(options.common));
  const LintReport report = options.offline ? lint_offline(folder, options) : lint_live(folder, options, tool);
  if (options.sarif) write_sarif(report, *options.sarif, tool);
  Result result = describe_lint(report);
  result.json["folder"] = folder.path.string();
  tool.out.result(result);
  return report.reaches(fail_on(options.fail_on)) ? static_cast<int>(Failure::answer_no) : 0;
}

}  // namespace belay
