#include "migrate/report_html.hpp"

#include "common/error.hpp"
#include "migrate/html.hpp"
#include "migrate/lock_chart.hpp"
#include "migrate/report_fields.hpp"
#include "migrate/report_text.hpp"
#include "tests/migrate/report_fixture.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

using Catch::Contains;
using Json = belay::Json;

constexpr const char* section_ids[] = {"outcome",  "steps",     "migrations", "locks",     "rows",
                                       "put-back", "rope",      "lint",       "preflight", "verified",
                                       "way-back", "confirmed", "environment"};

/// Each section, and the document to its end.
void check_whole(const std::string& html) {
  for (const char* id : section_ids) CHECK_THAT(html, Contains("<section id=\"" + std::string{id} + "\">"));
  CHECK_THAT(html, Catch::StartsWith("<!DOCTYPE html>\n<html lang=\"en\">") && Contains("<meta charset=\"utf-8\">") &&
                       Catch::EndsWith("</html>\n"));
}

std::string text_of(const std::string& html) {
  std::string text;
  bool inside = false;
  for (const char c : html) {
    if (c == '<') inside = true;
    if (!inside) text += c;
    if (c == '>') inside = false;
  }
  return text;
}

TEST_CASE("no text of a report becomes markup, wherever it stands") {
  const std::string hostile = "</td></pre></code><script>alert(1)</script><img src=x onerror=\"a\" ' & `<b>`";
  Json report = sample_report();
  replace_texts(report, hostile);
  const std::string html = report_html(report);
  check_whole(html);
  CHECK_THAT(html, !Contains("<script") && !Contains("<img") && !Contains("onerror=\"") && !Contains("<b>"));
  CHECK_THAT(html, Contains("&lt;script&gt;alert(1)&lt;/script&gt;") && Contains("<code>&lt;b&gt;</code>"));
}

TEST_CASE("control bytes and characters that turn the direction of text are shown and have no effect") {
  Json report = sample_report();
  replace_texts(report,
                "a\x1b[31m\x01\xe2\x80\xae"
                "b\xff");
  const std::string html = report_html(report);
  CHECK_THAT(html, Contains("a\\x1b[31m\\x01\\u202eb\\xff"));
  CHECK_THAT(html, !Contains("\x1b") && !Contains("\xe2\x80\xae") && !Contains("\xff"));
  CHECK_THAT(report_text(report), !Contains("\x1b") && !Contains("\xff"));
}

TEST_CASE("a report's page needs nothing from anywhere else") {
  Json report = sample_report();
  replace_texts(report, "a text");
  const std::string html = report_html(report);
  for (const char* reference : {"src=", "<link", "@import", "href=\"http", "url(http", "url(//", "<script", "<iframe"})
    CHECK_THAT(html, !Contains(reference));
  CHECK_THAT(html, Contains("default-src 'none'"));
}

TEST_CASE("a report's page copes with every section missing, null, empty or of another type") {
  const Json sample = sample_report();
  for (const auto& [name, value] : sample.items()) {
    CAPTURE(name);
    for (const Json& other :
         {Json(nullptr), Json::array(), Json::object(), Json("text"), Json(7), Json::array({1, "a"})}) {
      Json report = sample_report();
      report[name] = other;
      check_whole(report_html(report));
      CHECK_FALSE(report_text(report).empty());
    }
    Json report = sample_report();
    report.erase(name);
    check_whole(report_html(report));
  }
  for (Json report : {Json::object(), Json(nullptr), Json::array({1})}) {
    check_whole(report_html(report));
    CHECK_FALSE(report_text(report).empty());
  }
  Json confused = sample_report();
  confuse_types(confused);
  check_whole(report_html(confused));
  CHECK_FALSE(report_text(confused).empty());
}

TEST_CASE("a section with nothing in it says so") {
  const std::string text = text_of(report_html(Json{{"format", 1}}));
  for (const char* sentence :
       {"The run ended before its first step.", "No migration was pending", "No lock is known",
        "rows were counted before and after", "Nothing was put back", "none was taken", "There are no findings",
        "No checks before the run", "did not come to verifying", "No way back is recorded", "Nobody was asked"})
    CHECK_THAT(text, Contains(sentence));
}

TEST_CASE("every outcome is said in a word and a sign, not in a colour alone") {
  const std::map<std::string, std::string> signs{{"done", "✓ Done"},
                                                 {"put back", "! Put back"},
                                                 {"refused", "! Refused"},
                                                 {"stopped", "! Stopped"},
                                                 {"failed", "✕ Failed"},
                                                 {"half-way", "✕ Half-way"},
                                                 {"nothing pending", "○ Nothing pending"},
                                                 {"interrupted", "! Interrupted"},
                                                 {"of a later version", "○ Of a later"}};
  for (const auto& [state, shown] : signs) {
    Json report = sample_report();
    report["outcome"]["state"] = state;
    CHECK_THAT(text_of(report_html(report)), Contains(shown));
    CHECK_THAT(report_text(report), Contains(": " + state + ", status 6"));
  }
}

TEST_CASE("a page tells rehearsed from actual, and an allowed finding from one that is not") {
  const std::string text = text_of(report_html(sample_report()));
  CHECK_THAT(text,
             Contains("588 ms") && Contains("671 ms") && Contains("ACCESS EXCLUSIVE on public.customer, held 612 ms"));
  CHECK_THAT(text, Contains("○ allowed error") && Contains("Allowed in the script: 2 s at night are fine"));
  CHECK_THAT(text, Contains("0 of 3 applied") && Contains("rewrites public.&quot;order&quot;"));
}

TEST_CASE("locks stand where their statements began, the ones that keep everybody out first") {
  const LockTimeline timeline = lock_timeline(Json::parse(R"({"migrations": [
    {"name": "1_a", "statements": [{"rehearsed_ms": 100, "locks": []},
      {"rehearsed_ms": 50, "locks": [{"table": "t", "mode": "SHARE", "held_ms": 70}]}]},
    {"name": "2_b", "statements": [{"rehearsed_ms": 900, "actual_ms": 10, "locks": [
      {"table": "t", "mode": "ACCESS EXCLUSIVE", "held_ms": 10}]}]}]})"));
  REQUIRE(timeline.rows.size() == 2);
  CHECK(timeline.rows[0].mode == "ACCESS EXCLUSIVE");
  CHECK(timeline.rows[0].bars.at(0).from_ms == 170);  // behind the first migration's last lock
  CHECK(timeline.rows[1].bars.at(0).from_ms == 100);
  CHECK(timeline.rows[1].bars.at(0).to_ms == 170);
  CHECK(timeline.total_ms == 180);
  CHECK(timeline.spans.at(1).from_ms == 170);
  CHECK(lock_chart(lock_timeline(Json::object())).empty());
}

TEST_CASE("a lock chart of hundreds of locks, of none that took time, or of nonsense is still a picture") {
  Json report{{"migrations", Json::array({{{"name", "1_a"}, {"statements", Json::array()}}})}};
  for (int i = 0; i < 300; ++i)
    report["migrations"][0]["statements"].push_back(
        {{"rehearsed_ms", i % 2 == 0 ? 0.0 : -5.0},
         {"locks",
          Json::array({{{"table", "t" + std::to_string(i)}, {"mode", "SHARE"}, {"held_ms", i == 7 ? 1e14 : 0}}})}});
  const std::string chart = lock_chart(lock_timeline(report));
  CHECK_THAT(chart, Contains("</svg>") && Contains("276 more") && !Contains("nan") && !Contains("inf"));
}

TEST_CASE("a report of a higher format is refused, with the version that can read it") {
  CHECK_NOTHROW(require_readable_report(sample_report()));
  try {
    require_readable_report(Json{{"format", 2}, {"version", "9.1"}});
    FAIL("it was read");
  } catch (const Error& error) {
    CHECK(error.kind == Failure::storage);
    CHECK_THAT(error.detail, Contains("format 2") && Contains("up to 1"));
    CHECK_THAT(error.hint, Contains("9.1"));
  }
  CHECK_THROWS_AS(require_readable_report(Json::array()), Error);
  CHECK_THROWS_AS(require_readable_report(Json{{"format", "1"}}), Error);
}

TEST_CASE("a report on a terminal begins with what happened and what to type next") {
  const std::string text = report_text(sample_report());
  CHECK_THAT(text, Catch::StartsWith("Run 20261122T021407Z-ab12: put back, status 6\n"));
  CHECK(text.find("Next") < text.find("Steps"));
  CHECK_THAT(text, Contains("line    4  UPDATE \"customer\": 588 ms / 671 ms") &&
                       Contains("other sessions: 12 sessions") && !Contains("replication slots"));
  CHECK_THAT(text, Contains("the application: no `--health-check` was given"));
}

TEST_CASE("durations are short, in one unit that suits them") {
  CHECK(ms_words(std::nullopt) == "–");
  CHECK(ms_words(-1.0) == "–");
  CHECK(ms_words(0.0) == "0 ms");
  CHECK(ms_words(0.42) == "0.4 ms");
  CHECK(ms_words(12.4) == "12 ms");
  CHECK(ms_words(2312.7) == "2.3 s");
  CHECK(ms_words(125000.0) == "2 min 05 s");
  CHECK(time_words("2026-11-22T02:14:07.118204Z") == "2026-11-22 02:14:07 UTC");
  CHECK(time_words("yesterday") == "yesterday");
}

}  // namespace
}  // namespace belay::test
