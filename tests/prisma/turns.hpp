// One case, played three times on equal databases: by Prisma's CLI alone, by belay's verb of the same name alone, and
// by the two in turns. After each step the three are compared: how the command ended, what it said, the history's rows
// and the schema. What is meant to differ is written down in the step.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/cli/tool_bench.hpp"
#include "tests/prisma/prisma_cli.hpp"

namespace belay::test {

/// Names of migrations, in the order in which they are applied.
inline const std::string first = "20240101000000_init", second = "20240102000000_two", third = "20240103000000_three";

/// A database and a migrations folder that either program can be let at.
class Place {
 public:
  explicit Place(const std::string& schema) : schema_(schema) {
    bench_.env["DATABASE_URL"] = url_text(bench_.db.owner_url(), schema == "public" ? "" : "schema=" + schema);
  }

  [[nodiscard]] RunResult prisma(const Words& words, const std::map<std::string, std::string>& further = {}) const {
    std::map<std::string, std::string> env = prisma_environment();
    env["DATABASE_URL"] = bench_.env.at("DATABASE_URL");
    env.insert(further.begin(), further.end());
    return run(prisma_argv(folder(), words), env);
  }
  [[nodiscard]] RunResult belay(const Words& words) const { return bench_.tool("migrate-production", words); }

  [[nodiscard]] fs::path folder() const { return bench_.migrations(); }
  [[nodiscard]] const ToolBench& bench() const { return bench_; }
  [[nodiscard]] ToolBench& bench() { return bench_; }
  [[nodiscard]] const TestDatabase& db() const { return bench_.db; }

  /// Of the history, all columns but ids and times; of those, whether they are there and in order. Of logs only
  /// whether they are NULL, empty or a text: each program words its own.
  [[nodiscard]] Words rows() const {
    const Session server(server_url(), server_url().database);
    const std::string table = server.literal(server.identifier(schema_) + "._prisma_migrations");
    if (db().value("SELECT to_regclass(" + table + ") IS NULL") == "t") return {"no table"};
    return db().column(
        "SELECT concat_ws(' | ', migration_name, left(checksum, 8), CASE WHEN finished_at IS NULL THEN 'unfinished' "
        "WHEN finished_at = started_at THEN 'at once' WHEN finished_at > started_at THEN 'finished' ELSE 'before it "
        "began' END, CASE WHEN rolled_back_at IS NOT NULL THEN 'rolled back' END, 'steps ' || applied_steps_count, "
        "CASE WHEN logs IS NULL THEN 'no logs' WHEN logs = '' THEN 'empty logs' ELSE 'logs' END, length(id), "
        "length(checksum)) FROM " +
        server.identifier(schema_) + "._prisma_migrations ORDER BY started_at, migration_name");
  }

  /// Everything that migrations make, the history's table included, as the catalog has it: a line each.
  [[nodiscard]] Words schema() const {
    return db().column(
        "SELECT line FROM (SELECT concat_ws(' ', 'schema', nspname) AS line FROM pg_namespace WHERE nspname !~ '^pg_' "
        "UNION ALL SELECT concat_ws(' ', n.nspname, c.relkind, c.relname, a.attname, format_type(a.atttypid, "
        "a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), i.indisvalid) FROM pg_class c JOIN pg_namespace "
        "n ON n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
        "a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_index i ON "
        "i.indexrelid = c.oid WHERE n.nspname !~ '^(pg_|information_schema)' UNION ALL SELECT concat_ws(' ', "
        "'function', p.proname, p.prosrc) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname "
        "!~ '^(pg_|information_schema)' UNION ALL SELECT concat_ws(' ', 'label', t.typname, e.enumlabel) FROM pg_enum "
        "e JOIN pg_type t ON t.oid = e.enumtypid) AS all_lines ORDER BY line COLLATE \"C\"");
  }

 private:
  std::string schema_;
  ToolBench bench_{"turns"};
};

enum class State {
  same,    ///< rows and schema of the three databases are equal
  differs  ///< on purpose; the case looks itself
};

/// What a command comes to.
struct Outcome {
  int belay = 0;
  /// Without it: Prisma ends with 0 exactly if belay does.
  std::optional<int> prisma = {};
  Words said = {};         ///< by both
  Words prisma_said = {};  ///< by Prisma alone
  Words belay_said = {};   ///< by belay alone
  State state = State::same;
};

class Turns {
 public:
  explicit Turns(const std::string& schema = "public") : by_prisma(schema), by_belay(schema), in_turns(schema) {}

  /// In all three folders.
  void migration(const std::string& name, const std::string& script) const {
    everywhere([&](const Place& place) { place.bench().migration(name, script); });
  }
  void remove(const std::string& name) const {
    everywhere([&](const Place& place) { fs::remove_all(place.folder() / name); });
  }
  void lock_file(const std::string& text) const {
    everywhere([&](const Place& place) { write_text(place.folder() / "migration_lock.toml", text); });
  }
  /// In all three databases, as their owner.
  void sql(const std::string& script) const {
    everywhere([&](const Place& place) { place.db().sql(script); });
  }
  void everywhere(const std::function<void(const Place&)>& action) const {
    for (const Place* place : {&by_prisma, &by_belay, &in_turns}) action(*place);
  }

  /// The same command by each. On the third database it is the turn of whoever did not have the last one.
  void step(const Words& words, const Outcome& expected = {}) {
    const bool prismas_turn = (turn_++ % 2 == 0) == prisma_begins_;
    const RunResult theirs = by_prisma.prisma(words);
    const RunResult ours = by_belay.belay(words);
    const RunResult turned = prismas_turn ? in_turns.prisma(words) : in_turns.belay(words);
    CAPTURE(words, theirs.out, theirs.err, ours.out, ours.err, prismas_turn, turned.out, turned.err);
    check_prisma(theirs, expected);
    check_belay(ours, expected);
    if (prismas_turn) {
      check_prisma(turned, expected);
    } else {
      check_belay(turned, expected);
    }
    if (expected.state == State::same) check_same();
  }

  void check_same() const {
    CHECK(by_belay.rows() == by_prisma.rows());
    CHECK(in_turns.rows() == by_prisma.rows());
    CHECK(by_belay.schema() == by_prisma.schema());
    CHECK(in_turns.schema() == by_prisma.schema());
  }

  /// Prisma's judge of a history that belay wrote: `dev` replays it and compares. Only for schemas without tables,
  /// since the tests' schema.prisma has no model.
  void judged_by_dev(int status, const std::string& says) const {
    const RunResult dev = by_belay.prisma({"dev"});
    INFO(dev.out << dev.err);
    CHECK(dev.status == status);
    CHECK_THAT(dev.out + dev.err, Catch::Contains(says));
  }

  /// On the third database belay has the first turn.
  Turns& belay_begins() {
    prisma_begins_ = false;
    return *this;
  }

  Place by_prisma, by_belay, in_turns;

 private:
  static void check_said(const RunResult& result, const Words& texts) {
    for (const std::string& text : texts) CHECK_THAT(result.out + result.err, Catch::Contains(text));
  }
  static void check_prisma(const RunResult& result, const Outcome& expected) {
    if (expected.prisma) CHECK(result.status == *expected.prisma);
    if (!expected.prisma) CHECK((result.status == 0) == (expected.belay == 0));
    check_said(result, expected.said);
    check_said(result, expected.prisma_said);
  }
  static void check_belay(const RunResult& result, const Outcome& expected) {
    CHECK(result.status == expected.belay);
    check_said(result, expected.said);
    check_said(result, expected.belay_said);
  }

  int turn_ = 0;
  bool prisma_begins_ = true;
};

}  // namespace belay::test
