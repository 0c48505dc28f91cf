// A hot standby that streams from an OwnServer.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/run.hpp"
#include "tests/support/server.hpp"

namespace belay::test {

class Standby {
 public:
  /// `settings`: lines for postgresql.conf.
  explicit Standby(OwnServer& primary, const std::string& settings = {});
  ~Standby();
  Standby(const Standby&) = delete;
  Standby& operator=(const Standby&) = delete;

  [[nodiscard]] const DatabaseUrl& url() const { return url_; }
  /// `url`, which points at the primary, with the standby's address.
  [[nodiscard]] DatabaseUrl here(DatabaseUrl url) const;
  /// Everything that the primary has done by now is done here.
  void catch_up() const;

 private:
  [[nodiscard]] std::filesystem::path data() const { return folder_ / "standby"; }
  void must(std::vector<std::string> argv) const;

  ScratchFolder folder_;
  DatabaseUrl primary_, url_;
  std::vector<std::string> as_owner_;
  std::optional<Background> server_;
};

}  // namespace belay::test
