// One kill after the other, and the judgement on what was left.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/fault/bench.hpp"

namespace belay::test {

/// A place where a test build can be made to die; numbers begin with 1.
struct Point {
  long number = 0;
  std::string name;
};

enum class Ending { as_before, put_back, as_after };

/// What the database may be after a kill and `recover`.
struct Reference {
  Picture before;
  Dumps before_dump;
  std::optional<Picture> after;  ///< none: the command can only fail
  Dumps after_dump;
  bool keeps_old = false;        ///< a command that succeeds keeps the old database as <db>__before_<run>
  bool crashed = false;          ///< the server was: sequences may be ahead
  bool one_transaction = false;  ///< it is all done or not at all, and `recover` does not say which
  bool by_reversals = false;     ///< see Sweep
  bool changes_nothing = false;  ///< see Sweep
};

/// A command that is killed at each of its points.
struct Sweep {
  std::vector<std::string> argv;
  int status = 0;                      ///< of a run that is not killed; not 0 = it leaves the database as before
  bool keeps_old = false;              ///< see Reference
  bool one_transaction = false;        ///< see Reference
  bool changes_nothing = false;        ///< the database is as before at every moment, whatever the status
  bool by_reversals = false;           ///< it is put back by reversals, which keep no failed database
  std::vector<std::string> good;       ///< where `argv` fails after its deploy: what leads to the state it was to reach
  std::vector<std::string> following;  ///< what has to work after every recovery
  std::vector<std::string> clean_up;   ///< if given, it has to make a recovery superfluous after every kill
  std::vector<std::string> always;     ///< beginnings of names: the first point of each is in every sample
  std::vector<Ending> endings;         ///< each has to be met
};

/// 0 = every point.
constexpr int every_point = 0;

/// A number for this process's random choices: BELAY_TEST_SEED, else a new one; printed at its first use.
[[nodiscard]] unsigned seed();

/// `command` runs with the variables it is given; it is passed the name of the trace file in them.
[[nodiscard]] std::vector<Point> read_trace(const std::filesystem::path& file);
/// One point at random of each of `count` equal parts, and the first whose name begins so for each of `always`; the
/// last one too.
[[nodiscard]] std::vector<Point> choose(const std::vector<Point>& all, int count,
                                        const std::vector<std::string>& always);

/// The database now, and after `argv` ran undisturbed with the status that is expected of it. Fills `points`.
[[nodiscard]] Reference take_reference(Bench& bench, const Sweep& sweep, std::vector<Point>& points);

struct Judgement {
  std::string problems;  ///< empty = right
  std::optional<Ending> ending;
};
/// `recovered` is what the first recovery said. Looks at the database, recovers once more, runs `following`.
[[nodiscard]] Judgement judge(Bench& bench, const Reference& reference, const RunResult& recovered,
                              const std::vector<std::string>& following);
/// The database alone: which of the two it is, with the databases beside it.
[[nodiscard]] Judgement judge_database(Bench& bench, const Reference& reference);

/// The same for a command that came to its own end with `result`: its status has to fit the database too.
[[nodiscard]] Judgement judge_ended(Bench& bench, const Reference& reference, const RunResult& result,
                                    const std::vector<std::string>& following);
/// For a message.
[[nodiscard]] std::string shown(const RunResult& result);

/// Kills the command at `count` points (or every one), each on a fresh database, and checks everything.
void sweep_kills(Bench& bench, const Sweep& sweep, int count);

}  // namespace belay::test
