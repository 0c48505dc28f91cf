#include "common/pending_file.hpp"

#include <map>

#include "common/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run.hpp"

using namespace belay;

namespace {

/// A disk in memory whose n-th operation fails with "no space left".
class FaultyFiles final : public Files {
 public:
  FaultyFiles(int fails_at, std::map<std::string, std::string> first)
      : content(std::move(first)), fails_at_(fails_at) {}

  Descriptor create_locked(const std::filesystem::path& path) override {
    step();
    content[path.string()];
    open_ = path.string();
    return {};
  }
  void write(const Descriptor& /*file*/, ByteSpan bytes) override {
    step();
    content[open_] += as_text(bytes);
  }
  void sync(const Descriptor& /*file*/) override { step(); }
  void close(Descriptor /*file*/) override { step(); }
  void rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    step();
    content[to.string()] = content.at(from.string());
    content.erase(from.string());
  }
  void rename_new(const std::filesystem::path& from, const std::filesystem::path& to) override {
    if (content.contains(to.string())) throw Error{Failure::storage, "it exists"};
    rename(from, to);
  }
  void remove(const std::filesystem::path& path) override { content.erase(path.string()); }
  void sync_directory(const std::filesystem::path& /*directory*/) override { step(); }

  std::map<std::string, std::string> content;

 private:
  void step() {
    if (step_++ == fails_at_) throw Error{Failure::storage, "no space left on device"};
  }
  int fails_at_;
  int step_ = 0;
  std::string open_;
};

bool write_file(FaultyFiles& files) {
  try {
    PendingFile file{files, "/b/manifest", PendingFile::Existing::replace};
    file.write(as_bytes("first "));
    file.write(as_bytes("second"));
    file.commit();
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

TEST_CASE("a file that fails at any step leaves the old one or the new one, whole, and no .partial") {
  int step = 0;
  for (bool done = false; !done; ++step) {
    FaultyFiles files{step, {{"/b/manifest", "old"}}};
    done = write_file(files);
    CAPTURE(step);
    const std::string now = files.content.at("/b/manifest");
    CHECK((now == "old" || now == "first second"));
    CHECK(files.content.size() == 1);
    if (done) CHECK(now == "first second");
  }
  CHECK(step > 5);
}

TEST_CASE("a finished file does not exist under its name before commit") {
  FaultyFiles files{-1, {}};
  {
    PendingFile file{files, "/b/manifest", PendingFile::Existing::replace};
    file.write(as_bytes("text"));
    file.finish();
    CHECK(files.content.contains("/b/manifest.partial"));
    CHECK_FALSE(files.content.contains("/b/manifest"));
  }
  CHECK(files.content.empty());
}

TEST_CASE("a new file never replaces one that is there") {
  FaultyFiles files{-1, {{"/b/archive", "another backup"}}};
  {
    PendingFile file{files, "/b/archive", PendingFile::Existing::refuse};
    file.write(as_bytes("mine"));
    CHECK_THROWS_AS(file.commit(), Error);
  }
  CHECK(files.content == std::map<std::string, std::string>{{"/b/archive", "another backup"}});
}

TEST_CASE("the half of a killed run is removed, the half of a live one is not") {
  const belay::test::ScratchFolder folder;
  RealFiles files;
  const std::filesystem::path path = folder / "report.json", half = folder / "report.json.partial";
  belay::test::write_text(half, "ha");
  CHECK_THROWS_AS((PendingFile{files, path, PendingFile::Existing::replace}), Error);
  remove_dead_half(files, path);
  {
    PendingFile file{files, path, PendingFile::Existing::replace};
    file.write(as_bytes("whole"));
    remove_dead_half(files, path);
    file.commit();
  }
  CHECK(belay::test::read_text(path) == "whole");
  CHECK_FALSE(std::filesystem::exists(half));
}
