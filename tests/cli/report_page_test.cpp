// report.html as a browser has it: opened, measured and printed in headless Chromium.
#include <unistd.h>

#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

using Catch::Contains;

/// Chromium on one page, with everything it writes in a folder of its own.
class Browser {
 public:
  [[nodiscard]] RunResult open(const fs::path& page, Words words) const {
    Words argv{"chromium",
               "--headless=new",
               "--disable-gpu",
               "--hide-scrollbars",
               "--enable-logging=stderr",
               "--window-size=1200,1600",
               "--user-data-dir=" + (folder_ / "profile").string()};
    if (::geteuid() == 0) argv.emplace_back("--no-sandbox");  // it refuses to work as root with one
    argv.insert(argv.end(), words.begin(), words.end());
    argv.push_back("file://" + page.string());
    return run(argv, {{"HOME", folder_.path().string()}}, {.cwd = folder_.path(), .timeout = std::chrono::seconds{60}});
  }

 private:
  ScratchFolder folder_;
};

Words console_lines(const RunResult& result) {
  Words lines;
  for (const std::string& line : lines_of(result.err)) {
    if (line.find(":CONSOLE") != std::string::npos) lines.push_back(line);
  }
  return lines;
}

/// The page with a script that writes down what only a browser knows. It has to let the script in first, which is the
/// proof that the page itself lets none in.
std::string probed(const std::string& page) {
  const std::string policy = "default-src 'none'; style-src 'unsafe-inline'", end = "</body>";
  std::string copy = page;
  REQUIRE(copy.find(policy) != std::string::npos);
  copy.replace(copy.find(policy), policy.size(), "default-src 'unsafe-inline'");
  copy.insert(copy.rfind(end), R"(<script>
const page = document.documentElement, found = [];
for (const section of document.querySelectorAll("main > section")) {
  const box = section.getBoundingClientRect();
  if (box.height > 20 && section.innerText.trim()) found.push(section.id);
}
const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 1200.5).map(e => e.tagName);
const chart = document.querySelector("svg.locks").getBoundingClientRect();
page.setAttribute("data-seen", `width ${page.scrollWidth}; sections ${found.join(" ")}; beyond ${wide.length}; ` +
  `chart ${chart.width > 800 && chart.height > 200}; scripts ${document.scripts.length}; images ${document.images.length};`);
console.error("the probe is heard");
</script>)");
  return copy;
}

std::size_t pages_of(const std::string& pdf) {
  std::size_t pages = 0;
  for (std::size_t at = pdf.find("/Type /Page\n"); at != std::string::npos; at = pdf.find("/Type /Page\n", at + 1))
    ++pages;
  return pages;
}

TEST_CASE(
    "a report's page opens in a browser without an error, with every section, no wider than the screen, and prints") {
  const ScratchFolder folder;
  const std::string run_id = "20261122T021407Z-ab12";
  write_text(folder / "kept/runs" / run_id / "report.json",
             read_text(fs::path{BELAY_TEST_DATA} / "report_put_back.json"));
  const RunResult shown = run({program("migrate-production"), "show", run_id, "--html", "--backup-path", "kept"}, {},
                              {.cwd = folder.path()});
  INFO(shown.err);
  REQUIRE(shown.status == 0);
  write_text(folder / "report.html", shown.out);
  write_text(folder / "probed.html", probed(shown.out));
  const Browser browser;

  const RunResult page = browser.open(folder / "report.html", {"--dump-dom"});
  INFO(page.err);
  REQUIRE(page.status == 0);
  CHECK(console_lines(page).empty());
  CHECK_THAT(page.out,
             Contains("<title>shop_production: put back, run " + run_id) && Contains("<section id=\"environment\">"));

  const RunResult seen = browser.open(folder / "probed.html", {"--dump-dom"});
  REQUIRE(console_lines(seen).size() == 1);  // so the silence above means something
  CHECK_THAT(console_lines(seen).front(), Contains("the probe is heard"));
  CHECK_THAT(seen.out,
             Contains("width 1200; sections outcome steps migrations locks rows put-back rope lint preflight verified "
                      "way-back confirmed environment; beyond 0; chart true; scripts 1; images 0;"));

  const fs::path pdf = folder / "report.pdf";
  const RunResult printed =
      browser.open(folder / "report.html", {"--no-pdf-header-footer", "--print-to-pdf=" + pdf.string()});
  INFO(printed.err);
  REQUIRE(fs::exists(pdf));
  const std::string bytes = read_text(pdf);
  CHECK_THAT(bytes, Catch::StartsWith("%PDF-"));
  CHECK(pages_of(bytes) >= 2);
  CHECK(pages_of(bytes) <= 6);
}

}  // namespace
}  // namespace belay::test
