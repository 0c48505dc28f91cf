#include "tests/fault/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>
#include <iostream>
#include <random>
#include <set>

#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

const char* words(Ending ending) {
  switch (ending) {
    case Ending::as_before:
      return "as before";
    case Ending::put_back:
      return "put back";
    case Ending::as_after:
      return "as after";
  }
  return "";
}

std::string state_of(const RunResult& recovered) {
  const Json json = Json::parse(recovered.out, nullptr, false);
  return json.is_object() ? json.value("state", "no state") : "no JSON";
}

/// What `recover` may say about each ending. After the last step of a run there is nothing left that could tell it
/// more.
bool fits(const std::string& state, Ending ending, const Reference& reference) {
  if (state == "nothing to recover") return true;
  if (ending == Ending::put_back) return state == "put back";
  if (ending == Ending::as_after && reference.one_transaction) return state == "removed leftovers";
  if (ending == Ending::as_after) return state == "done" && !reference.keeps_old;
  return state == "as before" || state == "removed leftovers";
}

std::string again(Bench& bench, const std::vector<std::string>& beside) {
  const RunResult second = bench.recover();
  if (second.status != 0 || state_of(second) != "nothing to recover")
    return "a further recover found something to do: " + shown(second);
  if (bench.others() != beside) return "a further recover changed the databases beside\n";
  return {};
}

std::string follow(Bench& bench, const std::vector<std::string>& argv) {
  if (argv.empty()) return {};
  const RunResult next = bench.run_tool(argv);
  if (next.status != 0) return "the following run failed: " + shown(next);
  return bench.leftovers() + bench.half_reports() + Bench::half_files(bench.work("pre-restore"));
}

/// What an exit status says about the database.
std::string contradiction(Bench& bench, const Reference& reference, const RunResult& result) {
  const bool after = reference.after && bench.compare(*reference.after, Sequences::may_be_ahead).empty();
  const bool before = bench.compare(reference.before, Sequences::may_be_ahead).empty();
  const bool as_asked = reference.changes_nothing ? before : after;
  if (result.status == 0 && !as_asked) return "status 0, but the database is not what was asked for\n";
  constexpr std::array untouched{3, 5, 6, 8};
  const bool says_before = std::find(untouched.begin(), untouched.end(), result.status) != untouched.end();
  if (says_before && !before) return "the status says that the database is as before, but it is not\n";
  if (result.status != 0 && !says_before) return "it did not end in order\n";
  return {};
}

}  // namespace

std::string shown(const RunResult& result) {
  return fmt::format("status {}, signal {}\n--- out\n{}\n--- err\n{}\n", result.status, result.signal, result.out,
                     result.err);
}

unsigned seed() {
  static const unsigned value = [] {
    const char* given = std::getenv("BELAY_TEST_SEED");
    const unsigned number =
        given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    std::cout << "BELAY_TEST_SEED=" << number << std::endl;
    return number;
  }();
  return value;
}

std::vector<Point> read_trace(const std::filesystem::path& file) {
  std::vector<Point> points;
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);) {
    const std::size_t space = line.find(' ');
    points.push_back({std::stol(line), line.substr(space + 1)});
  }
  return points;
}

std::vector<Point> choose(const std::vector<Point>& all, int count, const std::vector<std::string>& always) {
  std::mt19937 random{seed()};
  const std::size_t parts = count == every_point ? all.size() : static_cast<std::size_t>(count);
  std::set<std::size_t> chosen{all.size() - 1};
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t from = all.size() * part / parts;
    const std::size_t to = std::max(from + 1, all.size() * (part + 1) / parts);
    chosen.insert(std::uniform_int_distribution<std::size_t>{from, to - 1}(random));
  }
  for (const std::string& name : always) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Point& p) { return p.name.rfind(name, 0) == 0; });
    if (found == all.end()) throw std::runtime_error("there is no point \"" + name + "…\" any more");
    chosen.insert(static_cast<std::size_t>(found - all.begin()));
  }
  std::vector<Point> points;
  for (const std::size_t index : chosen) points.push_back(all[index]);
  std::shuffle(points.begin(), points.end(), random);  // a sweep that is broken off has seen something of every part
  return points;
}

/// What the database is to become.
void look_after(Bench& bench, const Sweep& sweep, Reference& reference) {
  reference.after = bench.look();
  reference.after_dump = bench.dump();
  CHECK(bench.others().size() == (sweep.keeps_old ? 1U : 0U));
}

Reference take_reference(Bench& bench, const Sweep& sweep, std::vector<Point>& points) {
  bench.renew();
  Reference reference{.before = bench.look(),
                      .before_dump = bench.dump(),
                      .keeps_old = sweep.keeps_old,
                      .one_transaction = sweep.one_transaction,
                      .by_reversals = sweep.by_reversals,
                      .changes_nothing = sweep.changes_nothing};
  const std::filesystem::path trace = bench.work("trace");
  std::filesystem::remove(trace);
  const RunResult result = bench.run_tool(sweep.argv, {{"BELAY_FAULT_TRACE", trace.string()}});
  INFO("without a kill: " << shown(result));
  REQUIRE(result.status == sweep.status);
  CHECK(bench.leftovers() == "");
  points = read_trace(trace);
  REQUIRE(!points.empty());
  if (sweep.status == 0 && !sweep.changes_nothing) {
    look_after(bench, sweep, reference);
    return reference;
  }
  const Judgement judgement = judge_database(bench, reference);
  CHECK(judgement.problems == "");
  if (sweep.good.empty()) return reference;
  bench.renew();
  const RunResult good = bench.run_tool(sweep.good);
  INFO("what it was to reach: " << shown(good));
  REQUIRE(good.status == 0);
  look_after(bench, sweep, reference);
  return reference;
}

Judgement judge_database(Bench& bench, const Reference& reference) {
  const std::vector<std::string> beside = bench.others();
  const Sequences exact = reference.crashed ? Sequences::may_be_ahead : Sequences::equal;
  const Sequences sequences = beside.empty() ? Sequences::may_be_ahead : exact;
  const Dumps dump = bench.dump();
  const std::string from_before = bench.compare(reference.before, sequences);
  const std::string from_after =
      reference.after ? bench.compare(*reference.after, exact) : std::string("the run can only fail\n");
  Judgement judgement;
  const bool after = from_after.empty();
  if (!from_before.empty() && !after) {
    judgement.problems =
        "neither old nor new.\nFrom the old one it differs in:\n" + from_before + "From the new one in:\n" + from_after;
    return judgement;
  }
  const std::size_t kept = beside.size();
  judgement.ending = after ? Ending::as_after : kept > 0 ? Ending::put_back : Ending::as_before;
  judgement.problems +=
      compare_dumps(after ? reference.after_dump : reference.before_dump, dump, after ? exact : sequences);
  const std::size_t most = after ? (reference.keeps_old ? 1U : 0U) : (reference.keeps_old ? 0U : 1U);
  const char* kind = reference.keeps_old ? "__before_" : "__failed_";
  const bool right_kind = kept == 0 || beside.front().find(kind) != std::string::npos;
  if (kept > most || !right_kind) judgement.problems += fmt::format("beside it: {}\n", fmt::join(beside, ", "));
  return judgement;
}

Judgement judge(Bench& bench, const Reference& reference, const RunResult& recovered,
                const std::vector<std::string>& following) {
  Judgement judgement;
  if (recovered.status != 0) judgement.problems = "recover failed: " + shown(recovered);
  const std::string left = bench.leftovers();
  const Judgement database = judge_database(bench, reference);
  judgement.ending = database.ending;
  const bool reversed = reference.by_reversals && state_of(recovered) == "put back";
  if (reversed && judgement.ending == Ending::as_before) judgement.ending = Ending::put_back;
  judgement.problems += left + database.problems;
  if (judgement.ending && !fits(state_of(recovered), *judgement.ending, reference))
    judgement.problems +=
        fmt::format("recover said \"{}\", but it is {}\n", state_of(recovered), words(*judgement.ending));
  judgement.problems += again(bench, bench.others());
  judgement.problems += follow(bench, following);
  if (!judgement.problems.empty()) judgement.problems += "recover had said: " + shown(recovered);
  return judgement;
}

Judgement judge_ended(Bench& bench, const Reference& reference, const RunResult& result,
                      const std::vector<std::string>& following) {
  const std::string contradicts = contradiction(bench, reference, result);
  Judgement judgement = judge(bench, reference, bench.recover(), following);
  if (!contradicts.empty() || !judgement.problems.empty())
    judgement.problems = contradicts + judgement.problems + "the run itself had ended with " + shown(result);
  return judgement;
}

void sweep_kills(Bench& bench, const Sweep& sweep, int count) {
  std::vector<Point> all;
  const Reference reference = take_reference(bench, sweep, all);
  std::map<Ending, int> met;
  for (const Point& point : choose(all, count, sweep.always)) {
    bench.renew();
    const RunResult killed = bench.run_tool(sweep.argv, {{"BELAY_FAULT_KILL_AT", std::to_string(point.number)}});
    const std::string touched =
        sweep.changes_nothing ? bench.compare(reference.before, Sequences::equal) : std::string{};
    if (!sweep.clean_up.empty()) {
      const RunResult cleaned = bench.run_tool(sweep.clean_up);
      INFO(shown(cleaned));
      CHECK(cleaned.status == 0);
    }
    const RunResult recovered = bench.recover();
    Judgement judgement = judge(bench, reference, recovered, sweep.following);
    if (!sweep.clean_up.empty() && state_of(recovered) != "nothing to recover")
      judgement.problems += "the cleanup had left something to recover\n";
    INFO("killed at point " << point.number << " of " << all.size() << ", " << point.name << ", seed " << seed());
    CHECK(killed.signal == SIGKILL);
    CHECK(touched == "");
    CHECK(judgement.problems == "");
    if (judgement.ending) ++met[*judgement.ending];
  }
  std::cout << fmt::format("of {} points: {} as before, {} put back, {} as after", all.size(), met[Ending::as_before],
                           met[Ending::put_back], met[Ending::as_after])
            << std::endl;
  for (const Ending ending : sweep.endings) {
    INFO(words(ending));
    CHECK(met[ending] > 0);
  }
}

}  // namespace belay::test
