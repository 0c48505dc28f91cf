#include "migrate/report.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cctype>

#include "common/pending_file.hpp"
#include "common/side_database.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_html.hpp"
#include "migrate/row_values.hpp"

namespace belay {

namespace {

/// Three digits: a statement often takes less than a millisecond.
Json ms_of(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

std::string to_string(RunState state) {
  switch (state) {
    case RunState::done:
      return "done";
    case RunState::put_back:
      return "put back";
    case RunState::refused:
      return "refused";
    case RunState::stopped:
      return "stopped";
    case RunState::failed:
      return "failed";
    case RunState::half_way:
      return "half-way";
    case RunState::nothing_pending:
      return "nothing pending";
    case RunState::interrupted:
      break;
  }
  return "interrupted";
}

std::string to_string(StepState state) {
  if (state == StepState::skipped) return "skipped";
  return state == StepState::done ? "done" : "failed";
}

std::string to_string(MigrationEnd end) {
  if (end == MigrationEnd::applied) return "applied";
  if (end == MigrationEnd::put_back) return "put back";
  return end == MigrationEnd::failed ? "failed" : "not run";
}

std::string to_string(PutBackWay way) {
  if (way == PutBackWay::uncommitted) return "uncommitted";
  if (way == PutBackWay::reversals) return "reversals";
  return way == PutBackWay::spare ? "spare" : "restore";
}

/// Who runs this process; a number where the system knows no name.
std::string this_user() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? std::string{entry->pw_name} : std::to_string(::geteuid());
}

std::string as_sentence(std::string message) {
  if (message.empty()) return message;
  message[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(message[0])));
  return message.ends_with('.') ? message : message + ".";
}

Json statement_json(const MeasuredStatement& statement) {
  Json locks = Json::array();
  for (const TableLock& lock : statement.locks)
    locks.push_back({{"table", lock.table}, {"mode", lock.mode}, {"held_ms", ms_of(lock.held)}});
  return {
      {"line", statement.line}, {"what", statement.what}, {"rehearsed_ms", nullptr},          {"actual_ms", nullptr},
      {"rows", statement.rows}, {"wal", statement.wal},   {"rewritten", statement.rewritten}, {"locks", locks}};
}

void write_file(Files& files, const std::filesystem::path& path, const std::string& text) {
  remove_dead_half(files, path);
  PendingFile file{files, path, PendingFile::Existing::replace};
  file.write(as_bytes(text));
  file.commit();
}

}  // namespace

ReportedTarget target_of(const RunContext& context) {
  const DatabaseUrl& url = context.target.url;
  ReportedTarget target{.database = context.database(),
                        .server_version = context.server.version_text,
                        .host = url.hosts.empty() ? "localhost" : url.hosts.front().name,
                        .port = url.hosts.empty() ? "" : url.hosts.front().port.value_or(""),
                        .role = context.server.role,
                        .source = context.target.source,
                        .system_identifier = context.server.system_identifier,
                        .size = {}};
  if (context.server.database) target.size = context.server.database->size_bytes;
  return target;
}

Json to_json(const std::vector<ReportedFinding>& findings) {
  Json list = Json::array();
  for (const ReportedFinding& f : findings)
    list.push_back({{"rule", f.rule},
                    {"severity", f.severity},
                    {"migration", f.migration},
                    {"file", f.file},
                    {"line", f.line},
                    {"message", f.message},
                    {"hint", f.hint},
                    {"allowed", text_or_null(f.allowed)}});
  return list;
}

RunReport::RunReport(const std::string& tool, const std::string& run, const Clock& clock)
    : clock_(clock), began_(clock.now()) {
  json_ = {{"format", report_format},
           {"tool", tool},
           {"version", BELAY_VERSION},
           {"run", run},
           {"started_at", iso_utc(began_)},
           {"ended_at", nullptr},
           {"seconds", nullptr},
           {"host", this_host()},
           {"user", this_user()},
           {"target", Json::object()}};
  json_["outcome"] = {{"status", nullptr},
                      {"state", to_string(RunState::interrupted)},
                      {"words", "The run has not come to its end: it is at work, or it died."},
                      {"detail", ""},
                      {"hint",
                       "If it died, `migrate-production recover` says which state the database is in, and "
                       "finishes the run or puts it back."}};
  for (const char* list : {"steps", "preflight", "lint", "migrations", "rows"}) json_[list] = Json::array();
  for (const char* section : {"backup", "rehearsal", "spare"}) json_[section] = nullptr;
  for (const char* list : {"others_wrote", "verified", "not_verified"}) json_[list] = Json::array();
  json_["put_back"] = nullptr;
  for (const char* list : {"way_back", "confirmed"}) json_[list] = Json::array();
}

void RunReport::target(const ReportedTarget& t) {
  json_["target"] = {{"database", t.database},
                     {"server_version", t.server_version},
                     {"host", t.host},
                     {"port", t.port},
                     {"role", t.role},
                     {"source", t.source},
                     {"system_identifier", t.system_identifier},
                     {"size", t.size ? Json(*t.size) : Json(nullptr)}};
}

void RunReport::step_begun(const std::string& name) {
  close_step("done", "");
  json_["steps"].push_back({{"name", name}, {"state", "begun"}, {"ms", nullptr}, {"note", ""}});
  step_began_ = clock_.now();
}

void RunReport::step_ended(StepState state, const std::string& note) { close_step(to_string(state), note); }

void RunReport::step_skipped(const std::string& name, const std::string& why) {
  close_step("done", "");
  json_["steps"].push_back({{"name", name}, {"state", "skipped"}, {"ms", nullptr}, {"note", why}});
}

void RunReport::close_step(const std::string& state, const std::string& note) {
  if (!step_began_) return;
  Json& step = json_["steps"].back();
  step["state"] = state;
  step["ms"] = ms_of(clock_.now() - *step_began_);
  step["note"] = note;
  step_began_.reset();
}

void RunReport::preflight(const std::vector<Check>& checks) { json_["preflight"] = to_json(checks); }

void RunReport::lint(const std::vector<ReportedFinding>& findings) { json_["lint"] = to_json(findings); }

Json& RunReport::migration(const std::string& name) {
  for (Json& m : json_["migrations"]) {
    if (m["name"] == name) return m;
  }
  json_["migrations"].push_back({{"name", name},
                                 {"state", to_string(MigrationEnd::not_run)},
                                 {"rehearsed_ms", nullptr},
                                 {"actual_ms", nullptr},
                                 {"reversal", ""},
                                 {"reversal_why", ""},
                                 {"statements", Json::array()}});
  return json_["migrations"].back();
}

void RunReport::planned(const MigrationPlan& plan) {
  for (const PendingMigration& pending : plan.pending) migration(pending.migration.name);
}

void RunReport::backup(const BackupReport& b) {
  json_["backup"] = {{"archive", b.archive.string()},
                     {"bytes", b.manifest.archive.bytes},
                     {"rows", b.manifest.rows()},
                     {"level", belay::to_string(b.manifest.level())},
                     {"ms", ms_of(b.duration)}};
}

void RunReport::rehearsed(const Rehearsal& rehearsal) {
  for (const RehearsedMigration& r : rehearsal.migrations) {
    Json& m = migration(r.name);
    m["rehearsed_ms"] = ms_of(r.took);
    m["reversal"] = r.reversal;
    m["reversal_why"] = r.reversal_why;
    m["statements"] = Json::array();
    for (const MeasuredStatement& statement : r.statements) {
      Json row = statement_json(statement);
      row["rehearsed_ms"] = ms_of(statement.took);
      m["statements"].push_back(row);
    }
  }
  const std::string why = rehearsal.failure ? without_row_values(*rehearsal.failure).message : "";
  json_["rehearsal"] = {{"state", rehearsal.failure ? "failed" : "passed"},
                        {"why", rehearsal.failure ? rehearsal.failed_migration + ": " + why : ""},
                        {"proof", rehearsal.proof},
                        {"restored_ms", ms_of(rehearsal.restored_in)},
                        {"longest_lock_ms", ms_of(rehearsal.longest_lock())},
                        {"outside", rehearsal.outside}};
}

void RunReport::not_rehearsed(const std::string& why) {
  json_["rehearsal"] = {
      {"state", "skipped"},      {"why", why}, {"proof", ""}, {"restored_ms", nullptr}, {"longest_lock_ms", nullptr},
      {"outside", Json::array()}};
}

void RunReport::deployed(const std::string& name, Duration took, const std::vector<MeasuredStatement>& measured) {
  Json& m = migration(name);
  m["state"] = to_string(MigrationEnd::applied);
  m["actual_ms"] = ms_of(took);
  const Json rehearsed = m["statements"];
  if (measured.empty()) return;
  m["statements"] = Json::array();
  for (std::size_t i = 0; i < measured.size(); ++i) {
    Json row = statement_json(measured[i]);
    row["actual_ms"] = ms_of(measured[i].took);
    const bool same = i < rehearsed.size() && rehearsed[i]["line"] == row["line"];
    const bool only_timed = measured[i].locks.empty() && measured[i].rewritten.empty() && measured[i].rows == 0;
    if (same && only_timed) row = rehearsed[i];
    if (same) row["rehearsed_ms"] = rehearsed[i]["rehearsed_ms"];
    row["actual_ms"] = ms_of(measured[i].took);
    m["statements"].push_back(row);
  }
  // What the deploy did not come to any more is known from the rehearsal alone.
  for (std::size_t i = measured.size(); i < rehearsed.size(); ++i) m["statements"].push_back(rehearsed[i]);
}

void RunReport::ended(const std::string& name, MigrationEnd end) { migration(name)["state"] = to_string(end); }

void RunReport::rows(const std::vector<ReportedRows>& counts) {
  const auto number = [](const std::optional<std::uint64_t>& n) { return n ? Json(*n) : Json(nullptr); };
  for (const ReportedRows& r : counts)
    json_["rows"].push_back({{"table", r.table}, {"before", number(r.before)}, {"after", number(r.after)}});
}

void RunReport::others_wrote(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) json_["others_wrote"].push_back(line);
}

void RunReport::verified(const std::string& what) { json_["verified"].push_back(what); }

void RunReport::not_verified(const std::string& what, const std::string& why) {
  json_["not_verified"].push_back({{"what", what}, {"why", why}});
}

void RunReport::put_back(const ReportedPutBack& report) {
  json_["put_back"] = {{"way", to_string(report.way)},
                       {"ms", ms_of(report.took)},
                       {"kept", text_or_null(report.kept)},
                       {"checks", report.checks},
                       {"lost", report.lost}};
  for (Json& m : json_["migrations"]) {
    if (m["state"] == to_string(MigrationEnd::applied)) m["state"] = to_string(MigrationEnd::put_back);
  }
}

void RunReport::way_back(const std::string& sentence) { json_["way_back"].push_back(sentence); }

void RunReport::confirmed(const std::string& item, const std::string& how) {
  json_["confirmed"].push_back({{"item", item}, {"by", this_user() + ", " + how}});
}

void RunReport::outcome(const RunOutcome& outcome) {
  const bool well = outcome.state == RunState::done || outcome.state == RunState::nothing_pending;
  close_step(well ? "done" : "failed", "");
  json_["outcome"] = {{"status", outcome.status},
                      {"state", to_string(outcome.state)},
                      {"words", outcome.words},
                      {"detail", outcome.detail},
                      {"hint", outcome.hint}};
  const TimePoint now = clock_.now();
  json_["ended_at"] = iso_utc(now);
  json_["seconds"] = static_cast<double>((now - began_).count() / 1000) / 1000;
}

void RunReport::outcome(RunState state, const Error& error) {
  const Error clean = without_row_values(error);
  outcome({.state = state,
           .status = static_cast<int>(error.kind),
           .words = as_sentence(clean.message),
           .detail = clean.detail,
           .hint = clean.hint});
}

void RunReport::write(Files& files, const std::filesystem::path& catalogue, Output& out) {
  try {
    const std::filesystem::path folder = catalogue / "runs" / text_in(json_, "run");
    make_private_directories(folder);
    // Names and messages come from the server: what is no UTF-8 must not cost the report.
    const std::string text = json_.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    write_file(files, folder / "report.json", text);
    write_file(files, folder / "report.html", report_html(Json::parse(text)));
  } catch (const Error& error) {
    out.warn(fmt::format("the run's report could not be written: {} ({})", error.message, error.detail));
  } catch (const std::exception& error) {
    out.warn(fmt::format("the run's report could not be written: {}", error.what()));
  }
}

}  // namespace belay
