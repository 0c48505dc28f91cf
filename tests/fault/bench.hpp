// The bench of the kill sweeps: a server of the test's own, and one database on it that is made anew for every round.
//
// What a database is, is read twice: with the library's own fingerprints, and, by pg_dump, without them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/fingerprint.hpp"
#include "common/output.hpp"
#include "tests/support/run.hpp"
#include "tests/support/server.hpp"
#include "tests/support/session.hpp"

namespace belay::test {

/// Everything that a run may change or has to bring back.
struct Picture {
  SchemaFingerprint schema;
  ContentFingerprint content;  ///< _prisma_migrations left out when compared
  std::string history;         ///< a line per row; ids and times only of rows that were there from the start
  Json properties;             ///< owner, privileges, settings, comment, connection limit, encoding, locale
};
/// The same by pg_dump, for a witness that shares no code with belay.
struct Dumps {
  std::string schema, data;  ///< data: lines sorted
};

enum class Sequences { equal, may_be_ahead };
enum class Start { filled, empty };

struct MigrationText {
  std::string name, sql;
};

class Bench {
 public:
  /// The tools connect as a superuser, or as the database's plain owner with CREATEDB. `start`: the help desk with two
  /// applied migrations, or an empty database.
  explicit Bench(Owner owner, Start start = Start::filled);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// The database as at the start, no other one beside it, empty folders.
  void renew();
  /// What the database holds now is the start of every further round.
  void start_from_here();
  void sql(const std::string& script);
  [[nodiscard]] std::vector<std::string> column(const std::string& query);

  /// A migrations folder with the two that are applied at the start and these.
  [[nodiscard]] std::filesystem::path folder(const std::string& name, const std::vector<MigrationText>& further);
  /// Arguments of a guarded run.
  [[nodiscard]] std::vector<std::string> guarded(const std::filesystem::path& migrations) const;
  [[nodiscard]] std::filesystem::path backups() const { return work_ / "backups"; }
  [[nodiscard]] std::filesystem::path work(const std::string& name) const { return work_ / name; }
  /// DATABASE_URL and `further`.
  [[nodiscard]] std::map<std::string, std::string> environment(
      const std::map<std::string, std::string>& further = {}) const;
  [[nodiscard]] RunResult run_tool(const std::vector<std::string>& argv,
                                   const std::map<std::string, std::string>& further = {});
  /// `recover --force --json` in an empty folder, which has to be empty afterwards too.
  [[nodiscard]] RunResult recover(const std::map<std::string, std::string>& further = {});

  [[nodiscard]] Picture look();
  [[nodiscard]] Dumps dump();
  /// What differs, a line each; empty = exactly that.
  [[nodiscard]] std::string compare(const Picture& expected, Sequences sequences);
  /// Databases beside the target, sorted.
  [[nodiscard]] std::vector<std::string> others();
  /// Sessions and advisory locks of belay that do not go away, a database that was left read-only, and half files in
  /// backups(): a line each.
  [[nodiscard]] std::string leftovers();
  /// Half files in a folder of backups, a line each.
  [[nodiscard]] static std::string half_files(const std::filesystem::path& folder);
  /// Of reports, in backups().
  [[nodiscard]] std::string half_reports() const;
  [[nodiscard]] std::vector<std::string> sessions();  ///< pids of belay's, oldest first
  void end_session(const std::string& pid);

  [[nodiscard]] const std::string& target() const { return target_; }
  [[nodiscard]] OwnServer& server() { return server_; }

 private:
  void fill(Start start);
  void dress();
  [[nodiscard]] Connection connect() const;
  [[nodiscard]] Session inside() const;
  OwnServer server_;
  ScratchFolder work_;
  Owner owner_;
  std::string target_ = "Help \"desk\" ä";
  std::string source_ = "start of the round";
};

/// What differs between two dumps, but for what a dump and restore may print in another way; empty = nothing.
[[nodiscard]] std::string compare_dumps(const Dumps& expected, const Dumps& found, Sequences sequences);

}  // namespace belay::test
