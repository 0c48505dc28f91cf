// A script on its way to psql: only what may go there.
#pragma once
#include <vector>

#include "common/pg_tools.hpp"
#include "common/plain_dump.hpp"

namespace belay {

class SafeScript {
 public:
  /// `psql` decides whether the script is run under psql's own guard against commands in it.
  SafeScript(ByteSource script, const PgTool& psql);
  /// Bytes for psql, 0 at the end. Throws what the reader of scripts throws.
  std::size_t read(std::span<std::byte> room);
  [[nodiscard]] const std::vector<LeftOut>& left_out() const { return reader_.left_out(); }

 private:
  void refill();

  ByteSource script_;
  PlainDumpReader reader_;
  std::vector<std::byte> raw_ = std::vector<std::byte>(std::size_t{256} * 1024);
  std::vector<std::byte> ready_;
  std::size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace belay
