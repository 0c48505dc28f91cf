#include "migrate/report_html.hpp"

#include <fmt/format.h>

#include <cmath>

#include "migrate/html.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_parts.hpp"
#include "migrate/report_style.hpp"

namespace belay {

namespace {

std::string tone_class(Tone tone) {
  if (tone == Tone::good) return "good";
  if (tone == Tone::bad) return "bad";
  return tone == Tone::warning ? "warning" : "neutral";
}

std::string sign_of(Tone tone) {
  if (tone == Tone::good) return "✓";
  if (tone == Tone::bad) return "✕";
  return tone == Tone::warning ? "!" : "○";
}

std::string or_dash(const std::string& text) { return text.empty() ? "–" : escaped(text); }
std::string code_or_dash(const std::string& text) { return text.empty() ? "–" : code(text); }

std::string took(const Json& report) {
  const std::optional<double> seconds = number_in(report, "seconds");
  return ms_words(seconds ? std::optional{*seconds * 1000} : std::nullopt);
}

std::string fact(const std::string& name, const std::string& markup) {
  return "<div><dt>" + escaped(name) + "</dt><dd>" + markup + "</dd></div>\n";
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string without_hint(Tone tone) {
  if (tone == Tone::good || tone == Tone::neutral) return "nothing; no command is needed.";
  return "nothing is recorded; `migrate-production recover` says which state the database is in.";
}

std::string outcome_html(const Json& report) {
  const Json& outcome = object_in(report, "outcome");
  const std::string state = text_in(outcome, "state"), words = text_in(outcome, "words");
  const std::string detail = text_in(outcome, "detail"), hint = text_in(outcome, "hint");
  const std::string status = text_in(outcome, "status");
  const Tone tone = tone_of(state);
  std::string html = "<p class=\"state\"><span aria-hidden=\"true\">" + sign_of(tone) + "</span> " +
                     escaped(state.empty() ? "The report does not say how the run ended" : capitalised(state)) +
                     (status.empty() ? "" : element("span", "quiet", " · exit status " + escaped(status))) + "</p>\n";
  if (!words.empty()) html += element("p", "words", prose(words)) + "\n";
  if (!detail.empty()) html += "<pre>" + escaped(detail) + "</pre>\n";
  html += element("p", "next", "<strong>What to do next:</strong> " + prose(hint.empty() ? without_hint(tone) : hint));
  return "<div class=\"banner " + tone_class(tone) + "\">" + html + "</div>\n";
}

std::string facts_html(const Json& report) {
  const Json& target = object_in(report, "target");
  const std::string host = text_in(target, "host"), port = text_in(target, "port");
  std::size_t applied = 0;
  const Json& migrations = list_in(report, "migrations");
  for (const Json& m : migrations) applied += text_in(m, "state") == "applied" ? 1 : 0;
  return "<dl class=\"facts\">" + fact("Database", code_or_dash(text_in(target, "database"))) +
         fact("Server", or_dash(port.empty() ? host : host + ":" + port)) +
         fact("Began", or_dash(time_words(text_in(report, "started_at")))) + fact("Took", took(report)) +
         fact("Migrations",
              migrations.empty() ? "none pending" : fmt::format("{} of {} applied", applied, migrations.size())) +
         fact("Run", code_or_dash(text_in(report, "run"))) + "</dl>\n";
}

std::string steps_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const Json& s : list_in(report, "steps"))
    rows.push_back(
        {state_tag(text_in(s, "state")), escaped(text_in(s, "name")), ms_in(s, "ms"), prose(text_in(s, "note"))});
  if (rows.empty()) return quiet_sentence("The run ended before its first step.");
  return html_table("", {{"State", "mark"}, {"Step", "key"}, {"Took", "num"}, {"Note", "note"}}, rows);
}

std::string change_words(const std::optional<std::uint64_t>& before, const std::optional<std::uint64_t>& after) {
  if (!before || !after) return "–";
  if (*before == *after) return "same";
  return *after > *before ? "+" + count_words(*after - *before) : "−" + count_words(*before - *after);
}

std::string rows_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const Json& r : list_in(report, "rows")) {
    const std::optional<std::uint64_t> before = count_in(r, "before"), after = count_in(r, "after");
    rows.push_back({code(text_in(r, "table")), count_words(before), count_words(after), change_words(before, after)});
  }
  std::string html = quiet_sentence("No table's rows were counted before and after.");
  if (!rows.empty()) html = html_table("", {{"Table"}, {"Before", "num"}, {"After", "num"}, {"Change", "num"}}, rows);
  std::vector<std::string> lines;
  for (const std::string& line : texts_in(report, "others_wrote")) lines.push_back(prose(line));
  html += element("h3", "", "Written by others meanwhile") + "\n";
  return html + (lines.empty() ? quiet_sentence("Nothing is known to have been written by others during the run.")
                               : html_list("ul", lines));
}

std::string way_words(const std::string& way) {
  if (way == "uncommitted") return "nothing had been committed, so nothing was restored";
  if (way == "reversals") return "the migrations were taken back by their reversals; what others wrote is kept";
  if (way == "spare") return "the spare, an unmigrated copy of the backup, was swapped in";
  return way == "restore" ? "the backup was restored beside, compared and swapped in" : way;
}

std::string put_back_html(const Json& report) {
  const Json& put_back = object_in(report, "put_back");
  if (put_back.empty()) return quiet_sentence("Nothing was put back in this run.");
  const std::string kept = text_in(put_back, "kept");
  std::vector<std::string> checks, lost;
  for (const std::string& line : texts_in(put_back, "checks")) checks.push_back(prose(line));
  for (const std::string& line : texts_in(put_back, "lost")) lost.push_back(prose(line));
  std::string html = html_table(
      "", {{"", "key"}, {""}},
      {{"How", escaped(way_words(text_in(put_back, "way")))},
       {"Took", ms_in(put_back, "ms")},
       {"Kept", kept.empty() ? "no second database was left" : "the half-migrated database as " + code(kept)}});
  html += element("h3", "", "Compared afterwards") + "\n" +
          (checks.empty() ? quiet_sentence("No comparison is recorded.") : html_list("ul", checks));
  html += element("h3", "", "Rows that are only in the kept database") + "\n" +
          (lost.empty() ? quiet_sentence("None is known.") : html_list("ul", lost));
  return html;
}

std::string backup_cell(const Json& backup) {
  if (backup.empty()) return "none was taken";
  return path_code(text_in(backup, "archive")) + "<br>" + size_words(count_in(backup, "bytes")) + ", " +
         count_words(count_in(backup, "rows")) + " rows, verified to level " + or_dash(text_in(backup, "level")) +
         ", in " + ms_in(backup, "ms");
}

std::string rehearsal_cell(const Json& rehearsal) {
  if (rehearsal.empty()) return "none was made";
  const std::string why = text_in(rehearsal, "why"), proof = text_in(rehearsal, "proof");
  std::string html = state_tag(text_in(rehearsal, "state")) + (why.empty() ? "" : ": " + prose(why));
  if (!proof.empty())
    html += "<br>The copy was " + prose(proof) + ", in " + ms_in(rehearsal, "restored_ms") +
            "; the longest lock was held for " + ms_in(rehearsal, "longest_lock_ms") + ".";
  std::vector<std::string> outside;
  for (const std::string& line : texts_in(rehearsal, "outside")) outside.push_back(prose(line));
  if (!outside.empty())
    html += "<p>Changed on the server meanwhile, by it or by others:</p>" + html_list("ul", outside);
  return html;
}

std::string rope_html(const Json& report) {
  const bool spare_known = report.contains("spare") && report["spare"].is_boolean();
  return html_table("", {{"", "key"}, {""}},
                    {{"Backup", backup_cell(object_in(report, "backup"))},
                     {"Rehearsal", rehearsal_cell(object_in(report, "rehearsal"))},
                     {"Spare", !spare_known               ? "not known"
                               : is_true(report, "spare") ? "a second copy stood ready to be swapped in"
                                                          : "none: a put-back restores the backup"}});
}

std::string place_of(const Json& finding) {
  const std::string file = text_in(finding, "file"), line = text_in(finding, "line");
  const std::string place = file.empty() ? text_in(finding, "migration") : file;
  return place.empty() ? "–" : path_code(line.empty() || line == "0" ? place : place + ":" + line);
}

std::string lint_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const Json& f : list_in(report, "lint")) {
    const std::string hint = text_in(f, "hint"), allowed = text_in(f, "allowed");
    std::string text = "<p>" + code(text_in(f, "rule")) + " " + prose(text_in(f, "message")) + "</p>";
    if (!hint.empty()) text += element("p", "quiet", prose(hint));
    if (!allowed.empty()) text += element("p", "", "<strong>Allowed in the script:</strong> " + prose(allowed));
    const std::string severity = text_in(f, "severity");
    rows.push_back(
        {allowed.empty() ? state_tag(severity) : element("span", "tag neutral", "○ allowed " + escaped(severity)), text,
         place_of(f)});
  }
  if (rows.empty()) return quiet_sentence("There are no findings, or the SQL was not looked at.");
  return html_table("", {{"Severity", "mark"}, {"Finding"}, {"Where", "where"}}, rows);
}

std::string preflight_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const Json& c : list_in(report, "preflight")) {
    const std::string fix = text_in(c, "fix");
    rows.push_back(
        {state_tag(text_in(c, "state")), escaped(text_in(c, "check")),
         prose(text_in(c, "text")) + (fix.empty() ? "" : element("p", "", "<strong>Fix:</strong> " + prose(fix)))});
  }
  if (rows.empty()) return quiet_sentence("No checks before the run are recorded.");
  return html_table("", {{"State", "mark"}, {"Check", "key"}, {"Found"}}, rows);
}

std::string verified_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const std::string& line : texts_in(report, "verified"))
    rows.push_back({element("span", "tag good", "✓ verified"), prose(line)});
  for (const Json& n : list_in(report, "not_verified")) {
    const std::string why = text_in(n, "why");
    rows.push_back({element("span", "tag neutral", "○ not verified"),
                    prose(text_in(n, "what")) + (why.empty() ? "" : ": " + element("span", "quiet", prose(why)))});
  }
  if (rows.empty()) return quiet_sentence("The run did not come to verifying anything.");
  return html_table("", {{"State", "mark"}, {"What"}}, rows);
}

std::string way_back_html(const Json& report) {
  std::vector<std::string> sentences;
  for (const std::string& line : texts_in(report, "way_back")) sentences.push_back(prose(line));
  return sentences.empty() ? quiet_sentence("No way back is recorded, and none may be needed.")
                           : html_list("ol", sentences);
}

std::string confirmed_html(const Json& report) {
  std::vector<HtmlRow> rows;
  for (const Json& c : list_in(report, "confirmed"))
    rows.push_back({prose(text_in(c, "item")), escaped(text_in(c, "by"))});
  if (rows.empty()) return quiet_sentence("Nobody was asked to confirm anything.");
  return html_table("", {{"Point"}, {"Confirmed by", "key"}}, rows);
}

std::string environment_html(const Json& report) {
  const Json& t = object_in(report, "target");
  const std::string host = text_in(t, "host"), port = text_in(t, "port");
  std::vector<HtmlRow> rows{{"Database", code_or_dash(text_in(t, "database"))},
                            {"Server", or_dash(port.empty() ? host : host + ":" + port)},
                            {"PostgreSQL", or_dash(text_in(t, "server_version"))},
                            {"System identifier", or_dash(text_in(t, "system_identifier"))},
                            {"Size before", size_words(count_in(t, "size"))},
                            {"Role", code_or_dash(text_in(t, "role"))},
                            {"URL taken from", or_dash(text_in(t, "source"))},
                            {"Run by", or_dash(text_in(report, "user")) + " on " + or_dash(text_in(report, "host"))},
                            {"Began, ended", or_dash(time_words(text_in(report, "started_at"))) + ", " +
                                                 or_dash(time_words(text_in(report, "ended_at")))},
                            {"belay", or_dash(text_in(report, "tool")) + " " + escaped(text_in(report, "version"))}};
  return html_table("", {{"", "key"}, {""}}, rows);
}

struct Section {
  const char* id;
  const char* title;
  std::string (*html)(const Json&);
};

constexpr Section sections[] = {{"steps", "Steps", steps_html},
                                {"migrations", "Migrations: rehearsed and actual", migrations_html},
                                {"locks", "Locks over time", locks_html},
                                {"rows", "Rows before and after", rows_html},
                                {"put-back", "Put back", put_back_html},
                                {"rope", "Backup, rehearsal and spare", rope_html},
                                {"lint", "Findings in the SQL", lint_html},
                                {"preflight", "Checks before the run", preflight_html},
                                {"verified", "What was verified, and what was not", verified_html},
                                {"way-back", "The way back", way_back_html},
                                {"confirmed", "Confirmed by people", confirmed_html},
                                {"environment", "Environment", environment_html}};

std::string title_of(const Json& report) {
  const std::string state = text_in(object_in(report, "outcome"), "state");
  const std::string database = text_in(object_in(report, "target"), "database");
  return (database.empty() ? "" : database + ": ") + (state.empty() ? "migration run" : state) + ", run " +
         text_in(report, "run");
}

}  // namespace

std::string state_tag(const std::string& state) {
  const Tone tone = tone_of(state);
  return element("span", "tag " + tone_class(tone),
                 "<span aria-hidden=\"true\">" + sign_of(tone) + "</span> " + or_dash(state));
}

std::string quiet_sentence(const std::string& sentence) { return element("p", "quiet", escaped(sentence)) + "\n"; }

std::string report_html(const Json& report) {
  std::string links, content;
  for (const Section& s : sections) {
    links += fmt::format("<a href=\"#{}\">{}</a> ", s.id, escaped(s.title));
    content += fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", s.id, escaped(s.title), s.html(report));
  }
  const std::string database = text_in(object_in(report, "target"), "database");
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
         "<title>" +
         escaped(title_of(report)) + "</title>\n<style>" + std::string{report_style} +
         "</style>\n</head>\n<body>\n<main>\n" + "<header>\n<p class=\"over\">belay · " +
         or_dash(text_in(report, "tool")) + "</p>\n<h1>Migration run on " +
         (database.empty() ? "an unknown database" : "database “" + escaped(database) + "”") + "</h1>\n</header>\n" +
         "<section id=\"outcome\">\n" + outcome_html(report) + facts_html(report) +
         "</section>\n<nav aria-label=\"Sections\">" + links + "</nav>\n" + content +
         "<footer>Made from report.json of run " + code_or_dash(text_in(report, "run")) +
         "; times are UTC. It holds no password and no row.</footer>\n</main>\n</body>\n</html>\n";
}

}  // namespace belay
