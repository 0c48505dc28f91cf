#include "migrate/validate.hpp"

#include "tests/migrate/history_facts.hpp"
#include "tests/support/catch.hpp"

namespace belay::test {
namespace {

/// "problem NAME:LINE", or note.
std::vector<std::string> found(const FolderFacts& facts) {
  std::vector<std::string> all;
  for (const Finding& finding : validate_folder(facts)) {
    const std::string line = finding.line == 0 ? "" : ":" + std::to_string(finding.line);
    all.push_back((finding.weight == Finding::Weight::problem ? "problem " : "note ") + finding.migration + line);
  }
  return all;
}

FolderFacts one(const std::string& name, const std::optional<std::string>& script) {
  FolderFacts facts;
  facts.exists = true;
  facts.folder = folder_of({file_of(name, script)});
  return facts;
}

const std::string usual = "20260101000000_a";
using Lines = std::vector<std::string>;

TEST_CASE("a folder is validated: each thing that stops a deploy is a problem, the rest a note") {
  CHECK(found(one(usual, "CREATE TABLE t ();\n")).empty());
  CHECK(found(FolderFacts{}) == Lines{"problem "});
  CHECK(found(one(usual, std::nullopt)) == Lines{"problem " + usual});
  CHECK(found(one(usual, "\xEF\xBB\xBFSELECT 1")) == Lines{"problem " + usual + ":1"});
  CHECK(found(one(usual, std::string{"SELECT 1;\n\0", 11})) == Lines{"problem " + usual + ":2"});
  CHECK(found(one(usual, "")) == Lines{"note " + usual});
  CHECK(found(one(usual, "SELEC 1")) == Lines{"note " + usual});
  CHECK(found(one(usual, "BEGIN;\nSELECT 1;\nCOMMIT;")) == Lines{"note " + usual + ":1", "note " + usual + ":3"});
  CHECK(found(one(usual, "SELECT 1;\n\nCREATE INDEX CONCURRENTLY i ON t (a);")) == Lines{"note " + usual + ":3"});
}

TEST_CASE("names of another form than Prisma gives are noted, and what is no text is a problem") {
  CHECK(found(one("init", "SELECT 1")) == Lines{"note init"});
  CHECK(found(one("20260101000000_", "SELECT 1")) == Lines{"note 20260101000000_"});
  CHECK(found(one("20260101000000_\x01", "SELECT 1")) == Lines{"note 20260101000000_\x01"});
  CHECK(found(one("20260101000000_\xff", "SELECT 1")) == Lines{"problem 20260101000000_\xff"});
}

TEST_CASE("the folder as a whole is validated: provider, order, links, equal times") {
  FolderFacts facts = one(usual, "SELECT 1");
  facts.folder.lock_provider = "mysql";
  CHECK(found(facts) == Lines{"problem "});
  facts.folder.lock_provider.reset();
  facts.folder.bytewise_order_differs = true;
  facts.links = {"linked"};
  facts.folder.migrations.push_back(file_of("20260101000000_b"));
  facts.not_utf8 = {usual};
  CHECK(found(facts) == Lines{"note ", "note ", "note linked", "problem " + usual, "note 20260101000000_b"});
  facts.folder.migrations.clear();
  facts.folder.lock_provider = "postgresql";
  facts.folder.bytewise_order_differs = false;
  facts.links.clear();
  CHECK(found(facts) == Lines{"problem "});
}

}  // namespace
}  // namespace belay::test
