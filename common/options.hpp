// What a user may say to a tool, and where: command line, then environment (BELAY_…), then belay.toml. One OptionSet
// per tool. An option is declared once, and all three sources are checked by the same rules; nothing unknown is ever
// passed over in silence.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace belay {

/// command_line_only: what weakens a promise (--force, --skip-…, --overwrite, --foreign, --accept) must be typed each
/// time.
enum class Where { anywhere, command_line_only };

/// The process's environment by name; none = not set. A seam for tests.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

class OptionSet {
 public:
  OptionSet(std::string tool, std::string summary);
  ~OptionSet();
  OptionSet(const OptionSet&) = delete;
  OptionSet& operator=(const OptionSet&) = delete;

  // Every name is like "--output-path"; it is BELAY_OUTPUT_PATH in the environment and output-path in belay.toml ([all]
  // or [TOOL]). Targets keep their value when no source names the option, and must outlive parse().
  void flag(const std::string& name, bool& target, const std::string& help, Where where = Where::anywhere);
  void text(const std::string& name, std::optional<std::string>& target, const std::string& placeholder,
            const std::string& help, Where where = Where::anywhere);
  void path(const std::string& name, std::optional<std::filesystem::path>& target, const std::string& placeholder,
            const std::string& help, Where where = Where::anywhere);
  void number(const std::string& name, std::optional<int>& target, int min, int max, const std::string& help,
              Where where = Where::anywhere);
  void choice(const std::string& name, std::optional<std::string>& target, const std::vector<std::string>& choices,
              const std::string& help, Where where = Where::anywhere);
  /// "--compress" alone gives `bare_value`, "--compress gzip" gives gzip; anything but a choice is refused.
  void optional_choice(const std::string& name, std::optional<std::string>& target, const std::string& bare_value,
                       const std::vector<std::string>& choices, const std::string& help, Where where = Where::anywhere);
  /// A number of bytes: 500MB, 20GB (powers of 1024, as PostgreSQL writes them).
  void size(const std::string& name, std::optional<std::uint64_t>& target, const std::string& help,
            Where where = Where::anywhere);
  /// A length of time in PostgreSQL's units, kept as it was given (see parse_duration).
  void duration(const std::string& name, std::optional<std::string>& target, const std::string& help,
                Where where = Where::anywhere);
  /// "--restore-backup" alone gives `bare_value`, "--restore-backup X" and "--restore-backup=X" give X.
  /// In the environment and in belay.toml true means alone, and false that it was not given.
  void optional_text(const std::string& name, std::optional<std::string>& target, const std::string& bare_value,
                     const std::string& placeholder, const std::string& help, Where where = Where::anywhere);
  /// One value each time it is given; separated by commas in the environment; an array in belay.toml. A nearer source
  /// replaces the whole list.
  void list(const std::string& name, std::vector<std::string>& target, const std::string& placeholder,
            const std::string& help, Where where = Where::anywhere);

  /// A bare word. Several are filled in order of declaration. `verbs`: the verbs that take it ("" = the call without a
  /// verb); none named = all verbs, and the call without a verb only in a tool that has no verbs (a mistyped verb must
  /// not start anything).
  void positional(const std::string& name, std::optional<std::string>& target, const std::string& help,
                  const std::vector<std::string>& verbs = {});
  /// All further bare words. Declared last.
  void positionals(const std::string& name, std::vector<std::string>& target, const std::string& help,
                   const std::vector<std::string>& verbs);
  /// A verb, e.g. `migrate-production recover`; options are shared by all verbs of a tool.
  void command(const std::string& name, const std::string& summary);
  /// A line shown by --help with what it does.
  void example(const std::string& line, const std::string& comment);
  /// Heading in --help for the options declared from here on.
  void group(const std::string& title);
  /// A section of belay.toml with keys of the user's own, such as [checklist]: key and text, in order. For the other
  /// tools it is known and passed over.
  void section(const std::string& name, std::vector<std::pair<std::string, std::string>>& target);
  /// The option means something to these verbs only ("" = the call without one): typed with another it is refused, for
  /// nothing that was said may be passed over. Elsewhere (environment, belay.toml) it is said to all of them.
  void only_for(const std::string& name, const std::vector<std::string>& verbs);
  /// Keeps in `target` where the option's value came from: "--x", "environment BELAY_X" or "file belay.toml line 3".
  void remember_source(const std::string& name, std::string& target);

  /// Reads command line, then environment, then belay.toml (only through --config or BELAY_CONFIG). Returns the verb
  /// ("" = none). Throws usage.
  /// --help and --version: prints to standard output and returns none (the caller ends with 0).
  [[nodiscard]] std::optional<std::string> parse(int argc, const char* const* argv);
  /// The same with arguments (without the program's name) and an environment of the caller's own.
  [[nodiscard]] std::optional<std::string> parse(const std::vector<std::string>& arguments,
                                                 const EnvironmentLookup& environment);
  /// What --help prints.
  [[nodiscard]] std::string help() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What all four tools understand.
struct CommonOptions {
  std::optional<std::string> database_url;
  std::string database_url_source;  ///< where database_url came from; empty = it was not given
  std::optional<std::filesystem::path> config, migrations, prisma_schema, log_file, pg_bin;
  std::optional<std::string> maintenance_db, lock_timeout, statement_timeout, connect_timeout;
  std::optional<std::string> environment;  ///< production, staging, test or development; see is_production
  std::optional<int> keep;
  bool force = false, dry_run = false, json = false, quiet = false, verbose = false, no_color = false,
       local_only = false;
};
/// What every tool acts on. [all] of belay.toml is for these.
void add_common_options(OptionSet& set, CommonOptions& options);
/// --migrations: the tools that read the folder.
void add_migrations_option(OptionSet& set, CommonOptions& options);
/// --keep, --environment: the tools that swap a database in.
void add_restore_options(OptionSet& set, CommonOptions& options);

/// A length of time in PostgreSQL's units: us, ms, s, min, h, d; a bare number is milliseconds; 0 = no limit. None if
/// it is not one, or too long for the server (2147483647 ms).
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(const std::string& text);

/// A number of bytes as PostgreSQL writes them: 512kB, 500MB, 20GB, 1TB; a bare number is bytes. None if it is not one.
[[nodiscard]] std::optional<std::uint64_t> parse_size(const std::string& text);

/// True if `text` is, or holds, a URL with a password in it (user:password@, password=, sslpassword=). In doubt true.
[[nodiscard]] bool holds_password(const std::string& text);

}  // namespace belay
