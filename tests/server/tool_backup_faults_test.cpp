// A backup whose processes, sessions or server die, or that is told to stop, in each of its phases.
#include <random>

#include "tests/support/kept_bench.hpp"

namespace belay::test {
namespace {

struct Phase {
  std::string name;
  Words words;         ///< options of the backup
  FakeProgram hangs;   ///< what stands still in that phase
  std::size_t listed;  ///< backups that there are by then, beside the kept one
};

/// The nth start of a program in a run (but for --version) does something else.
std::string at_start(int number, const std::string& script) {
  return "echo x >>\"$WORK/starts\"; [ $(wc -l <\"$WORK/starts\") = " + std::to_string(number) + " ] && {\n" + script +
         "\n}\nexec \"$REAL\" \"$@\"";
}
std::string hang_at(int number) { return at_start(number, "touch \"$WORK/hangs\"; exec sleep 1000"); }

const std::vector<Phase>& phases() {
  static const std::vector<Phase> all{
      {"globals", {"--with-globals"}, {"pg_dumpall", hang_at(1)}, 0},
      {"dump", {}, {"pg_dump", hang_at(1)}, 0},
      {"script", {"--format", "plain"}, {"pg_restore", hang_at(1)}, 0},
      {"verification", {}, {"pg_restore", hang_at(1)}, 0},
      {"trial restore", {"--verify", "restore"}, {"pg_restore", hang_at(2)}, 1},
      {"trial restore of a script", {"--verify", "restore", "--format", "plain"}, {"psql", hang_at(1)}, 1}};
  return all;
}

/// A run that stands still in a phase.
class Hanging {
 public:
  Hanging(const KeptBench& bench, const Phase& phase) : folder_(bench.work / "state") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Words words{"--pg-bin", bench.programs({phase.hangs})};
    words.insert(words.end(), phase.words.begin(), phase.words.end());
    std::map<std::string, std::string> env = bench.env;
    env["WORK"] = folder_;
    words.insert(words.begin(), {"--output-path", "backups"});
    run_.emplace(ToolBench::argv_of("backup-db", words), env, bench.work.path());
    wait_until("the " + phase.name + " to stand still", [&] {
      if (!run_->running()) FAIL("it ended before its " + phase.name + "\n" + read_text(run_->err_file()));
      return fs::exists(folder_ / "hangs");
    });
  }
  Background* operator->() { return &*run_; }
  Background& operator*() { return *run_; }

 private:
  fs::path folder_;
  std::optional<Background> run_;
};

void stop_in(KeptBench& bench, const Phase& phase, int signal) {
  CAPTURE(phase.name, signal);
  Hanging run(bench, phase);
  run->kill(signal);
  const auto began = std::chrono::steady_clock::now();
  const RunResult result = run->wait(std::chrono::seconds(30));
  INFO(result.err);
  CHECK(result.status == 130);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
  CHECK(bench.judge({.more = phase.listed, .next_works = false}) == "");
  for (const CatalogueEntry& entry : list_backups(bench.folder())) bench.remove_unless_kept(entry.archive);
}

TEST_CASE("a backup that is told to stop is 130 in every phase, with its children, files and databases gone") {
  KeptBench bench("stopped");
  bench.keep();
  const std::vector<int> signals{SIGINT, SIGTERM, SIGHUP};
  for (std::size_t i = 0; i < phases().size(); ++i) stop_in(bench, phases()[i], signals[i % signals.size()]);
  CHECK(bench.judge() == "");
}

TEST_CASE("a backup that is told to stop in every way is 130 in every phase", "[long]") {
  KeptBench bench("stopped");
  bench.keep();
  for (const Phase& phase : phases())
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) stop_in(bench, phase, signal);
}

TEST_CASE("a backup whose reader goes away, or whose streams are closed, is a backup all the same") {
  KeptBench bench("closed");
  bench.keep();
  std::size_t more = 0;
  for (const std::string shell :
       {"$RUN | true", "$RUN --json 2>&1 | true", "$RUN >&- 2>&- <&-", "$RUN --verify restore >&- | true"}) {
    CAPTURE(shell);
    std::map<std::string, std::string> env = bench.env;
    env["RUN"] = program("backup-db") + " --output-path backups";
    const RunResult result = run({"bash", "-c", shell + "; exit ${PIPESTATUS[0]}"}, env, {.cwd = bench.work.path()});
    INFO(result.err);
    CHECK(result.status == 0);
    CHECK(bench.judge({.more = ++more, .next_works = false}) == "");
  }
}

TEST_CASE("a result that nobody can have is status 8, and what was done is done") {
  KeptBench bench("full");
  bench.keep();
  const std::string tool = "exec " + program("backup-db") + " ";
  for (const std::string words : {"list --output-path backups --json", "--output-path backups"}) {
    CAPTURE(words);
    const RunResult result = run({"bash", "-c", tool + words + " >/dev/full"}, bench.env, {.cwd = bench.work.path()});
    INFO(result.err);
    CHECK(result.status == 8);
    CHECK_THAT(result.err, Catch::Contains("could not be written to standard output: No space left"));
  }
  CHECK(bench.judge({.more = 1}) == "");
}

/// The nth process of that name that does work for the run, killed a little later.
bool kill_child(Background& run, const std::string& name, int nth, std::chrono::milliseconds after) {
  pid_t last = 0;
  while (run.running()) {
    const pid_t child = wait_for_child(run, name);
    if (child == 0) return false;
    if (child == last) continue;
    last = child;
    if (--nth > 0) continue;
    std::this_thread::sleep_for(after);
    return ::kill(child, SIGKILL) == 0;
  }
  return false;
}

struct Victim {
  std::string name;
  int nth;
  Words words;
};

const std::vector<Victim>& victims() {
  static const std::vector<Victim> all{{"pg_dump", 1, {}},
                                       {"pg_dump", 1, {"--format", "plain"}},
                                       {"pg_restore", 1, {"--format", "plain"}},
                                       {"pg_restore", 1, {}},
                                       {"pg_restore", 2, {"--verify", "restore"}},
                                       {"psql", 1, {"--verify", "restore", "--format", "plain"}},
                                       {"pg_dumpall", 1, {"--with-globals"}},
                                       {"rclone", 6, {"--copy-to", ":local:there"}}};
  return all;
}

bool kill_one(KeptBench& bench, const Victim& victim, std::chrono::milliseconds after) {
  CAPTURE(victim.name, victim.nth, after.count());
  Background run = bench.start_backup(victim.words);
  const bool killed = kill_child(run, victim.name, victim.nth, after);
  const RunResult result = run.wait(std::chrono::seconds(60));
  INFO(result.err);
  const std::size_t more = list_backups(bench.folder()).size() - 1;
  CHECK((result.status == 0 || result.status == (victim.name == "rclone" ? 8 : 6)));
  if (result.status == 0) CHECK(more == 1);
  CHECK(bench.judge({.more = more, .next_works = false}) == "");
  for (const CatalogueEntry& entry : list_backups(bench.folder())) {
    // Whoever was killed says nothing about the backup.
    CHECK_THAT(read_text(manifest_path(entry.archive)), !Catch::Contains("\"problem\""));
    bench.remove_unless_kept(entry.archive);
  }
  return killed && result.status != 0;
}

void kill_children(int rounds) {
  KeptBench bench("killed");
  bench.fill_megabytes(2);
  bench.keep();
  std::mt19937 random{Catch::rngSeed()};
  std::set<std::string> met;
  for (int round = 0; round < rounds; ++round) {
    for (const Victim& victim : victims()) {
      const std::chrono::milliseconds after{std::uniform_int_distribution<int>{0, round == 0 ? 3 : 60}(random)};
      if (kill_one(bench, victim, after)) met.insert(victim.name + std::to_string(victim.nth));
    }
  }
  CAPTURE(Catch::rngSeed(), met.size());
  CHECK(met.size() >= 4);
  CHECK(bench.judge() == "");
}

TEST_CASE("a child of a backup that is killed ends it, and says nothing about the backup") { kill_children(1); }
TEST_CASE("a child of a backup that is killed at any moment ends it", "[long]") { kill_children(15); }

/// Sessions of the run, whichever database they are in.
Words sessions_of(const KeptBench& bench) {
  const Session server(bench.db.url(), "postgres");
  return server.run("SELECT pid FROM pg_stat_activity WHERE application_name ~ '^(belay/|pg_|psql)' AND usename = " +
                    server.literal(bench.db.owner_name()) + " ORDER BY backend_start");
}

void end_a_session(const KeptBench& bench, std::size_t which) {
  const Session server(bench.db.url(), "postgres");
  const Words sessions = sessions_of(bench);
  if (!sessions.empty()) server.run("SELECT pg_terminate_backend(" + sessions[which % sessions.size()] + ")");
}

void end_sessions(int rounds) {
  KeptBench bench("sessions");
  bench.fill_megabytes(1);
  bench.keep();
  std::mt19937 random{Catch::rngSeed()};
  const auto began = std::chrono::steady_clock::now();
  REQUIRE(bench.backup({"--verify", "restore", "--with-globals"}).status == 0);
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  for (const CatalogueEntry& entry : list_backups(bench.folder())) bench.remove_unless_kept(entry.archive);
  for (int round = 0; round < rounds; ++round) {
    const std::chrono::milliseconds after{std::uniform_int_distribution<long>{0, whole.count()}(random)};
    Background run = bench.start_backup({"--verify", "restore", "--with-globals"});
    std::this_thread::sleep_for(after);
    end_a_session(bench, random());
    const RunResult result = run.wait(std::chrono::seconds(60));
    const std::size_t more = list_backups(bench.folder()).size() - 1;
    INFO("after " << after.count() << " ms, seed " << Catch::rngSeed() << ", status " << result.status << "\n"
                  << result.err);
    const std::vector<int> possible{0, 3, 5, 6, 9};
    CHECK(std::count(possible.begin(), possible.end(), result.status) == 1);
    if (result.status == 0) CHECK(more == 1);
    CHECK(bench.judge({.more = more, .swept = false}) == "");
    for (const CatalogueEntry& entry : list_backups(bench.folder())) bench.remove_unless_kept(entry.archive);
  }
}

TEST_CASE("a session of a backup that is ended by somebody never leaves a half one, or anything else") {
  end_sessions(3);
}
TEST_CASE("a session of a backup that is ended at any moment never leaves a half one", "[long]") { end_sessions(60); }

TEST_CASE(
    "a server that stops during the dump or the trial restore leaves the backups there were, and the next works") {
  OwnServer server;
  KeptBench bench("stopped", server.url());
  bench.fill_megabytes(4);  // more than fits between the programs and the server
  bench.keep();
  const std::string pause = "touch \"$WORK/hangs\"; sleep 1.5";
  for (const Phase& phase : std::vector<Phase>{
           {"dump",
            {},
            {"pg_dump", at_start(1, "{ \"$REAL\" \"$@\"; echo $? >\"$WORK/status\"; } | { head -c 500000; " + pause +
                                        "; cat; }; exit $(cat \"$WORK/status\")")},
            0},
           {"trial restore",
            {"--verify", "restore"},
            {"pg_restore", at_start(2, "{ head -c 2000000; " + pause + "; cat; } | \"$REAL\" \"$@\"; exit $?")},
            1}}) {
    CAPTURE(phase.name);
    Hanging run(bench, phase);
    server.stop_immediate();
    server.start();
    const RunResult result = run->wait(std::chrono::seconds(60));
    INFO(result.err);
    CHECK(result.status == 6);
    CHECK(bench.judge({.more = phase.listed, .swept = false}) == "");
    for (const CatalogueEntry& entry : list_backups(bench.folder())) {
      CHECK_THAT(read_text(manifest_path(entry.archive)), !Catch::Contains("\"problem\""));
      bench.remove_unless_kept(entry.archive);
    }
  }
}

}  // namespace
}  // namespace belay::test
