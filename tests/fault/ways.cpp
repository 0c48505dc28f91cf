#include "tests/fault/ways.hpp"

#include <algorithm>

#include "common/sql_text.hpp"
#include "tests/fault/help_desk.hpp"

namespace belay::test {
namespace {

using Words = std::vector<std::string>;

Words with(Words argv, const Words& further) {
  argv.insert(argv.end(), further.begin(), further.end());
  return argv;
}

std::string psql() { return (pg_bin() / "psql").string() + " -XqAt -v ON_ERROR_STOP=1 \"$DATABASE_URL\""; }

/// As the engine does it: the script and its row are one transaction.
std::string applied_by_psql(Bench& bench, const MigrationText& migration) {
  const std::filesystem::path file = bench.work("psql") / (migration.name + ".sql");
  write_text(file, "BEGIN;\n" + migration.sql +
                       "INSERT INTO public._prisma_migrations (id, checksum, finished_at, migration_name, "
                       "applied_steps_count) VALUES (gen_random_uuid(), encode(sha256(convert_to(" +
                       quote_literal(migration.sql) + ", 'UTF8')), 'hex'), now(), " + quote_literal(migration.name) +
                       ", 1);\nCOMMIT;\n");
  return psql() + " -f '" + file.string() + "'";
}

}  // namespace

std::vector<std::string> rehearsed(std::vector<std::string> argv) {
  std::replace(argv.begin(), argv.end(), std::string{"--no-rehearse"}, std::string{"--rehearse"});
  return argv;
}

Sweep failing_run(Bench& bench) {
  Sweep sweep{.argv = bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()})), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  return sweep;
}

Sweep read_only_with_everything(Bench& bench) {
  const Words good = bench.guarded(bench.folder("good", {add_language(), drop_note()}));
  write_text(bench.work("good.sql"), "SELECT count(*) > 0 FROM customer;\n");
  Sweep sweep{
      .argv = with(good, {"--read-only", "--before", "true", "--after", "true", "--before-migration", "true",
                          "--after-migration", "true", "--health-command", psql() + " -c 'SELECT 1'", "--verify-sql",
                          bench.work("good.sql").string(), "--copy-to", ":local:" + bench.work("elsewhere").string()})};
  sweep.following = good;
  sweep.always = {"read-only: set", "read-only: taken back", "guard: before health check"};
  sweep.endings = {Ending::as_before, Ending::as_after};
  return sweep;
}

Sweep read_only_failing(Bench& bench) {
  Sweep sweep{
      .argv = with(bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()})), {"--read-only"}),
      .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  sweep.always = {"put back: before the swap"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  return sweep;
}

Sweep taken_back_by_reversals(Bench& bench) {
  const Words good = rehearsed(bench.guarded(bench.folder("flag", {add_flag()})));
  const std::string healthy = psql() + " -c \"SELECT 1 / (to_regclass('remark') IS NULL)::int\"";
  Sweep sweep{.argv = with(good, {"--no-spare", "--read-only", "--health-command", healthy, "--health-retries", "0"}),
              .status = 6,
              .by_reversals = true};
  sweep.good = with(good, {"--no-spare"});
  sweep.following = with(bench.guarded(bench.folder("flag", {add_flag()})), {"--again"});
  sweep.always = {"reversals: before COMMIT"};
  sweep.endings = {Ending::as_before, Ending::as_after};
  return sweep;
}

Sweep half_taken_back(Bench& bench) {
  const Words failing = bench.guarded(bench.folder("half", {add_flag(), fail_but_in_rehearsal()}));
  Sweep sweep{.argv = with(rehearsed(failing), {"--no-spare", "--read-only"}), .status = 6, .by_reversals = true};
  sweep.following = bench.guarded(bench.folder("mended", {add_flag()}));
  sweep.always = {"reversals: before COMMIT"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  return sweep;
}

Sweep swapped_for_the_spare(Bench& bench) {
  const Words failing = bench.guarded(bench.folder("failing", {drop_note(), fail_but_in_rehearsal()}));
  Sweep sweep{.argv = with(rehearsed(failing), {"--read-only"}), .status = 6};
  sweep.following = bench.guarded(bench.folder("mended", {drop_note()}));
  sweep.always = {"apply: failed row written", "put back: before the swap"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  return sweep;
}

Sweep not_verified(Bench& bench) {
  const Words good = bench.guarded(bench.folder("good", {add_language(), drop_note()}));
  write_text(bench.work("bad.sql"), "SELECT false;\n");
  Sweep sweep{.argv = with(good, {"--spare", "--verify-sql", bench.work("bad.sql").string()}), .status = 6};
  sweep.good = good;
  sweep.following = with(good, {"--again"});
  sweep.always = {"guard: deployed"};
  sweep.endings = {Ending::as_before, Ending::as_after};
  return sweep;
}

Sweep failing_command(Bench& bench) {
  const Words run = bench.guarded(bench.folder("failing", {add_language(), drop_photo_then_fail()}));
  const std::string command =
      applied_by_psql(bench, add_language()) + " && " + applied_by_psql(bench, drop_photo_then_fail());
  Sweep sweep{.argv = with(run, {"--read-only", "--deploy-command", command}), .status = 6};
  // Where the session that reads the history broke too, nobody knows which one failed, and all of the run are braked.
  sweep.following = with(bench.guarded(bench.folder("mended", {add_language(), drop_note()})), {"--again"});
  sweep.always = {"deploy command: ended"};
  sweep.endings = {Ending::as_before, Ending::put_back};
  return sweep;
}

Sweep rehearsal_alone(Bench& bench) {
  const Words good = rehearsed(bench.guarded(bench.folder("good", {add_language(), add_flag()})));
  Sweep sweep{.argv = good};
  sweep.argv.insert(sweep.argv.begin() + 1, "rehearse");
  sweep.argv = with(sweep.argv, {"--rehearse-command", psql() + " -c 'DELETE FROM remark'"});
  sweep.changes_nothing = true;
  sweep.following = bench.guarded(bench.folder("good", {add_language(), add_flag()}));
  sweep.always = {"copy: created"};
  sweep.endings = {Ending::as_before};
  return sweep;
}

Sweep refused_by_rehearsal(Bench& bench) {
  const Words failing = bench.guarded(bench.folder("failing", {add_language(), own_commit_then_fail()}));
  Sweep sweep{.argv = with(rehearsed(failing), {"--read-only"}), .status = 3};
  sweep.following = bench.guarded(bench.folder("mended", {add_language(), drop_note()}));
  sweep.always = {"read-only: taken back"};
  sweep.endings = {Ending::as_before};
  return sweep;
}

const std::vector<Way>& ways() {
  static const std::vector<Way> all{{"read-only with everything", Owner::plain, read_only_with_everything},
                                    {"read-only, failing", Owner::superuser, read_only_failing},
                                    {"taken back by reversals", Owner::plain, taken_back_by_reversals},
                                    {"half taken back", Owner::plain, half_taken_back},
                                    {"swapped for the spare", Owner::superuser, swapped_for_the_spare},
                                    {"not verified", Owner::plain, not_verified},
                                    {"by a failing command", Owner::superuser, failing_command},
                                    {"rehearsal alone", Owner::plain, rehearsal_alone},
                                    {"refused by the rehearsal", Owner::superuser, refused_by_rehearsal}};
  return all;
}

}  // namespace belay::test
