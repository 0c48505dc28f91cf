#include "migrate/report_text.hpp"

#include <fmt/format.h>

#include "backup/columns.hpp"
#include "migrate/report_fields.hpp"

namespace belay {

namespace {

using Lines = std::vector<std::string>;

std::string indented_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) out += "  " + one_line(text.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

std::string section(const std::string& title, const std::string& text) {
  return text.empty() ? text : "\n" + title + "\n" + text;
}

std::string line(const std::string& title, const std::string& text) {
  return text.empty() ? text : fmt::format("{:<11}{}\n", title, one_line(text));
}

std::string items(const Lines& lines) {
  std::string text;
  for (const std::string& item : lines) text += "  " + one_line(item) + "\n";
  return text;
}

std::string with_note(const std::string& text, const std::string& note) {
  return one_line(text + (note.empty() ? "" : ": " + note));
}

std::string head_text(const Json& report) {
  const Json& outcome = object_in(report, "outcome");
  const Json& target = object_in(report, "target");
  const std::string state = text_in(outcome, "state"), status = text_in(outcome, "status");
  const std::string host = text_in(target, "host"), port = text_in(target, "port");
  const std::optional<double> seconds = number_in(report, "seconds");
  std::string when = time_words(text_in(report, "started_at"));
  if (seconds) when += ", took " + ms_words(*seconds * 1000);
  std::string by = text_in(report, "user");
  if (const std::string where = text_in(report, "host"); !where.empty()) by += (by.empty() ? "" : " on ") + where;
  return one_line(fmt::format("Run {}: {}{}", text_in(report, "run"),
                              state.empty() ? "it is not said how it ended" : state,
                              status.empty() ? "" : ", status " + status)) +
         "\n" + indented_lines(text_in(outcome, "words")) + indented_lines(text_in(outcome, "detail")) +
         line("Next", text_in(outcome, "hint")) + line("Database", text_in(target, "database")) +
         line("Server", port.empty() ? host : host + ":" + port) + line("When", when) + line("By", by);
}

std::string steps_text(const Json& report) {
  std::vector<Lines> rows;
  for (const Json& s : list_in(report, "steps"))
    rows.push_back(
        {one_line(text_in(s, "state")), one_line(text_in(s, "name")), ms_in(s, "ms"), one_line(text_in(s, "note"))});
  return rows.empty() ? "" : in_columns({{}, {}, {"", Align::right}, {}}, rows, "  ");
}

std::string statement_text(const Json& s) {
  std::string text = fmt::format("    line {:>4}  {}: {} / {}\n", one_line(text_in(s, "line")),
                                 one_line(text_in(s, "what")), ms_in(s, "rehearsed_ms"), ms_in(s, "actual_ms"));
  for (const Json& lock : list_in(s, "locks"))
    text += fmt::format("               {} on {}, held {}\n", one_line(text_in(lock, "mode")),
                        one_line(text_in(lock, "table")), ms_in(lock, "held_ms"));
  for (const std::string& table : texts_in(s, "rewritten")) text += "               rewrites " + one_line(table) + "\n";
  return text;
}

std::string migrations_text(const Json& report) {
  std::string text;
  for (const Json& m : list_in(report, "migrations")) {
    text += fmt::format("  {}: {}, {} / {}\n", one_line(text_in(m, "name")), one_line(text_in(m, "state")),
                        ms_in(m, "rehearsed_ms"), ms_in(m, "actual_ms"));
    for (const Json& s : list_in(m, "statements")) text += statement_text(s);
    if (const std::string reversal = text_in(m, "reversal"); !reversal.empty())
      text += "    reversal: " + with_note(reversal, text_in(m, "reversal_why")) + "\n";
  }
  return text;
}

std::string rows_text(const Json& report) {
  std::vector<Lines> rows;
  for (const Json& r : list_in(report, "rows"))
    rows.push_back(
        {one_line(text_in(r, "table")), count_words(count_in(r, "before")), count_words(count_in(r, "after"))});
  return rows.empty() ? "" : in_columns({{"table"}, {"before", Align::right}, {"after", Align::right}}, rows, "  ");
}

std::string findings_text(const Json& report) {
  std::string text;
  for (const Json& f : list_in(report, "lint")) {
    const std::string file = text_in(f, "file"), allowed = text_in(f, "allowed");
    text +=
        "  " +
        one_line(fmt::format("{}:{}: {}: {} ({})", file.empty() ? text_in(f, "migration") : file, text_in(f, "line"),
                             text_in(f, "severity"), text_in(f, "message"), text_in(f, "rule"))) +
        "\n";
    if (!allowed.empty()) text += "    allowed: " + one_line(allowed) + "\n";
  }
  return text;
}

/// What is in order needs no line here.
std::string checks_text(const Json& report) {
  std::string text;
  for (const Json& c : list_in(report, "preflight")) {
    if (text_in(c, "state") == "ok") continue;
    text += "  " + one_line(text_in(c, "state")) + "  " + with_note(text_in(c, "check"), text_in(c, "text")) + "\n";
    if (const std::string fix = text_in(c, "fix"); !fix.empty()) text += "        " + one_line(fix) + "\n";
  }
  return text;
}

std::string rope_text(const Json& report) {
  const Json& backup = object_in(report, "backup");
  const Json& rehearsal = object_in(report, "rehearsal");
  const Json& put_back = object_in(report, "put_back");
  std::string text = line("Backup", text_in(backup, "archive"));
  if (!rehearsal.empty()) text += line("Rehearsal", with_note(text_in(rehearsal, "state"), text_in(rehearsal, "why")));
  if (is_true(report, "spare")) text += line("Spare", "a second copy stood ready");
  if (put_back.empty()) return text;
  text += line("Put back", fmt::format("by way of \"{}\", in {}", text_in(put_back, "way"), ms_in(put_back, "ms"))) +
          line("Kept", text_in(put_back, "kept"));
  for (const std::string& check : texts_in(put_back, "checks")) text += line("Checked", check);
  for (const std::string& lost : texts_in(put_back, "lost")) text += line("Only there", lost);
  return text;
}

std::string not_verified_text(const Json& report) {
  Lines lines;
  for (const Json& n : list_in(report, "not_verified"))
    lines.push_back(with_note(text_in(n, "what"), text_in(n, "why")));
  return items(lines);
}

}  // namespace

std::string report_text(const Json& report) {
  return head_text(report) + rope_text(report) + section("Steps", steps_text(report)) +
         section("Migrations, rehearsed / actual", migrations_text(report)) + section("Rows", rows_text(report)) +
         section("Written by others", items(texts_in(report, "others_wrote"))) +
         section("Findings in the SQL", findings_text(report)) +
         section("Checks that were not in order", checks_text(report)) +
         section("Verified", items(texts_in(report, "verified"))) + section("Not verified", not_verified_text(report)) +
         section("The way back", items(texts_in(report, "way_back")));
}

}  // namespace belay
