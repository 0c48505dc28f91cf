#include "common/schema_reparse.hpp"

#include <fmt/format.h>

#include <map>

#include "common/pinned_settings.hpp"
#include "common/script.hpp"

namespace belay {

namespace {

// One stand-in and everything that is built on it: each item in a subtransaction of its own that is rolled back as soon
// as its text was read, so neither objects nor locks add up. What the server cannot parse there yields NULL; that it
// could not work (a lock, a limit, the end of the session) is an error.
constexpr const char* reparse_function =
    R"(CREATE FUNCTION pg_temp.belay_reparse(job json) RETURNS json LANGUAGE plpgsql AS $belay$
DECLARE
  item json;
  new_text text;
  results text[] := '{}';
BEGIN
  BEGIN
    IF job->>'stand_in' <> '' THEN EXECUTE job->>'stand_in'; END IF;
    FOR item IN SELECT value FROM json_array_elements(job->'items') LOOP
      new_text := NULL;
      BEGIN
        EXECUTE item->>0;
        EXECUTE item->>1 INTO new_text;
        RAISE EXCEPTION 'undone' USING ERRCODE = 'BL001';
      EXCEPTION WHEN OTHERS THEN
        IF left(SQLSTATE, 2) IN ('08', '40', '53', '57', '58') OR SQLSTATE = '55P03' THEN RAISE; END IF;
      END;
      results := array_append(results, new_text);
    END LOOP;
    RAISE EXCEPTION 'undone' USING ERRCODE = 'BL001';
  EXCEPTION WHEN OTHERS THEN
    IF left(SQLSTATE, 2) IN ('08', '40', '53', '57', '58') OR SQLSTATE = '55P03' THEN RAISE; END IF;
  END;
  RETURN to_json(results);
END
$belay$)";

/// Work that is always undone: in a transaction of our own, or behind a savepoint in the one that is open.
class Undone {
 public:
  explicit Undone(Connection& db) : db_(db) {
    if (db.transaction_state() != TransactionState::open) {
      own_.emplace(db, "ISOLATION LEVEL READ COMMITTED READ WRITE");
      return;
    }
    if (db.value("SELECT current_setting('transaction_read_only')") == "on") {
      throw Error{Failure::bug, "could not parse recorded expressions again",
                  "The session's open transaction is read-only."};
    }
    db.run("SAVEPOINT belay_reparse");
  }
  ~Undone() {
    if (own_ || done_ || !db_.usable()) return;
    try {
      undo();
    } catch (const std::exception&) {
      // The session is gone, and everything with it.
    }
  }
  Undone(const Undone&) = delete;
  Undone& operator=(const Undone&) = delete;
  void undo() {
    done_ = true;
    if (own_) return own_->rollback();
    db_.run("ROLLBACK TO SAVEPOINT belay_reparse");
    db_.run("RELEASE SAVEPOINT belay_reparse");
  }

 private:
  Connection& db_;
  std::optional<Transaction> own_;
  bool done_ = false;
};

struct Job {
  nlohmann::json items = nlohmann::json::array();
  std::vector<std::size_t> requests;  ///< which request each item belongs to
};

/// By stand-in. The text comes from a file: only what the parser sees as one statement is sent to the server.
std::map<std::string, Job> jobs_for(const std::vector<ReparseRequest>& requests) {
  std::map<std::string, Job> jobs;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::optional<Rebuild> rebuild = rebuild_of(requests[i]);
    if (!rebuild) continue;
    const Script script = parse_script(rebuild->create);
    if (!script.parsed || script.statements.size() != 1) continue;
    Job& job = jobs[rebuild->stand_in];
    job.items.push_back({rebuild->create, rebuild->read});
    job.requests.push_back(i);
  }
  return jobs;
}

std::string as_parameter(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void run_jobs(Connection& db, const std::map<std::string, Job>& jobs,
              std::vector<std::optional<std::string>>& results) {
  nlohmann::json all = nlohmann::json::array();
  for (const auto& [stand_in, job] : jobs) all.push_back({{"stand_in", stand_in}, {"items", job.items}});
  const Rows rows = db.rows("SELECT pg_temp.belay_reparse(j)::text AS texts FROM json_array_elements($1::json) AS j",
                            {as_parameter(all)});
  auto row = rows.begin();
  for (const auto& [stand_in, job] : jobs) {
    const nlohmann::json texts = nlohmann::json::parse((row++)->text("texts"));
    for (std::size_t i = 0; i < texts.size() && i < job.requests.size(); ++i) {
      if (texts[i].is_string()) results[job.requests[i]] = texts[i].get<std::string>();
    }
  }
}

}  // namespace

std::vector<std::optional<std::string>> reparse(Connection& db, const std::vector<ReparseRequest>& requests) {
  std::vector<std::optional<std::string>> results(requests.size());
  const std::map<std::string, Job> jobs = jobs_for(requests);
  if (jobs.empty()) return results;
  Undone undone(db);
  {
    const PinnedSettings pinned(db);
    // A stand-in has the name of a user's table, which may be that of a system type or catalog: those come first.
    static_cast<void>(db.rows("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)"));
    // Event triggers of the user's would see the stand-ins come and go; only a superuser can keep them out of it.
    static_cast<void>(db.rows(
        "SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser') = 'on'"));
    db.run(reparse_function);
    run_jobs(db, jobs, results);
  }
  undone.undo();
  return results;
}

}  // namespace belay
