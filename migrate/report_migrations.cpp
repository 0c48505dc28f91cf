#include <fmt/format.h>

#include <algorithm>

#include "migrate/html.hpp"
#include "migrate/lock_chart.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_parts.hpp"

namespace belay {

namespace {

/// The longest of all durations of statements: what a full bar is.
double longest_statement(const Json& report) {
  double longest = 0;
  for (const Json& migration : list_in(report, "migrations")) {
    for (const Json& statement : list_in(migration, "statements")) {
      for (const char* field : {"rehearsed_ms", "actual_ms"})
        longest = std::max(longest, number_in(statement, field).value_or(0));
    }
  }
  return longest;
}

/// Two bars, one below the other: outlined as rehearsed, filled as it ran.
std::string twin_bars(const Json& statement, double full) {
  if (full <= 0) return {};
  std::string bars;
  const auto bar = [&](const char* field, double y, const char* look) {
    const std::optional<double> ms = number_in(statement, field);
    if (!ms || *ms < 0) return;
    bars += fmt::format("<rect x=\"0.5\" y=\"{}\" width=\"{:.1f}\" height=\"6\" {}/>", y,
                        std::max(1.0, 118 * *ms / full), look);
  };
  bar("rehearsed_ms", 0.5, "fill=\"#fff\" stroke=\"#51627a\"");
  bar("actual_ms", 9, "fill=\"#2b5c94\"");
  if (bars.empty()) return {};
  return "<svg viewBox=\"0 0 120 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\">" + bars + "</svg>";
}

std::string what_it_did(const Json& statement) {
  std::string lines;
  for (const Json& lock : list_in(statement, "locks")) {
    const std::string mode = text_in(lock, "mode");
    const bool hard = blocks(mode) != LockBlocks::changes;
    lines += element("li", hard ? "hard" : "",
                     element("strong", "", escaped(mode)) + " on " + code(text_in(lock, "table")) + ", held " +
                         ms_in(lock, "held_ms") + ": " + to_words(blocks(mode)));
  }
  for (const std::string& table : texts_in(statement, "rewritten"))
    lines += element("li", "hard", "<strong>rewrites</strong> " + code(table));
  return lines.empty() ? "" : element("ul", "sub", lines);
}

std::string statements_table(const Json& migration, double full) {
  std::vector<HtmlRow> rows;
  for (const Json& s : list_in(migration, "statements")) {
    rows.push_back({escaped(text_in(s, "line")), code(text_in(s, "what")) + what_it_did(s), ms_in(s, "rehearsed_ms"),
                    ms_in(s, "actual_ms"), twin_bars(s, full), count_words(count_in(s, "rows")),
                    size_words(count_in(s, "wal"))});
  }
  if (rows.empty()) return quiet_sentence("Nothing was measured of its statements.");
  return html_table("statements",
                    {{"Line", "line"},
                     {"Statement, and what it locked"},
                     {"Rehearsed", "num"},
                     {"Actual", "num"},
                     {"", "bars"},
                     {"Rows", "num"},
                     {"WAL", "num"}},
                    rows);
}

std::string reversal_words(const Json& migration) {
  const std::string state = text_in(migration, "reversal"), why = text_in(migration, "reversal_why");
  if (state.empty()) return escaped("–");
  return escaped(state) + (why.empty() ? "" : ": " + element("span", "quiet", prose(why)));
}

std::string overview(const Json& migrations) {
  std::vector<HtmlRow> rows;
  for (const Json& m : migrations)
    rows.push_back({state_tag(text_in(m, "state")), code(text_in(m, "name")), ms_in(m, "rehearsed_ms"),
                    ms_in(m, "actual_ms"), reversal_words(m)});
  return html_table(
      "",
      {{"State", "mark"}, {"Migration", "wide"}, {"Rehearsed", "num"}, {"Actual", "num"}, {"Could it be taken back?"}},
      rows);
}

}  // namespace

std::string migrations_html(const Json& report) {
  const Json& migrations = list_in(report, "migrations");
  if (migrations.empty()) return quiet_sentence("No migration was pending, or the run ended before it looked.");
  std::string html = overview(migrations);
  html +=
      "<p class=\"legend\"><span class=\"swatch rehearsed\"></span>as rehearsed<span class=\"swatch "
      "actual\"></span>as it ran on the target. WAL is that of the whole server meanwhile.</p>\n";
  const double full = longest_statement(report);
  for (const Json& m : migrations)
    html += element("h3", "", escaped(text_in(m, "name"))) + "\n" + statements_table(m, full);
  return html;
}

std::string locks_html(const Json& report) {
  const std::string chart = lock_chart(lock_timeline(report));
  if (chart.empty())
    return quiet_sentence(
        "No lock is known that anybody would have waited for: none was taken, or nothing was measured.");
  return "<p class=\"legend\">Statements one after the other, each as long as it took. A lock is held until its "
         "transaction ends. Locks that nobody waits for, and those on tables that the run made itself, are left "
         "out.</p>\n" +
         chart;
}

}  // namespace belay
