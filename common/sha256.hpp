// SHA-256, streaming. Source: OpenSSL's libcrypto.
#pragma once
#include <memory>
#include <string>

#include "common/bytes.hpp"

namespace belay {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ByteSpan bytes);
  /// 64 lower-case hexadecimal digits. Called once.
  [[nodiscard]] std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace belay
