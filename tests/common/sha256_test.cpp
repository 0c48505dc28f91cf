#include "common/sha256.hpp"

#include <utility>

#include "common/error.hpp"
#include "tests/support/catch.hpp"

namespace belay {
namespace {

TEST_CASE("the SHA-256 of known texts is the published one") {
  const auto [text, digest] = GENERATE(table<std::string, std::string>(
      {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
       {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
       {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
       {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}}));
  CHECK(sha256_hex(text) == digest);
}

TEST_CASE("a SHA-256 does not depend on the pieces in which the bytes come") {
  std::string text(1000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7);
  for (const std::size_t size : {1U, 7U, 63U, 64U, 65U, 999U}) {
    Sha256 digest;
    for (std::size_t at = 0; at < text.size(); at += size)
      digest.update(as_bytes(std::string_view(text).substr(at, size)));
    CAPTURE(size);
    CHECK(digest.hex() == sha256_hex(text));
  }
}

TEST_CASE("a SHA-256 goes on after it was moved") {
  Sha256 first;
  first.update(as_bytes("a"));
  Sha256 second = std::move(first);
  second.update(as_bytes("bc"));
  CHECK(second.hex() == sha256_hex("abc"));
}

TEST_CASE("a SHA-256 that was already given out is not given out again, which would be the digest of nothing") {
  Sha256 digest;
  digest.update(as_bytes("abc"));
  CHECK_FALSE(digest.hex().empty());
  CHECK_THROWS_AS(digest.hex(), Error);
}

}  // namespace
}  // namespace belay
