// Catch2 under one name: version 2 is a single header, version 3 a library.
#pragma once
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define BELAY_CATCH_VERSION 3
namespace Catch {
// Version 2's names for what version 3 moved, so that a test reads the same on both.
inline auto Contains(const std::string& part) { return Matchers::ContainsSubstring(part); }
inline auto StartsWith(const std::string& part) { return Matchers::StartsWith(part); }
inline auto EndsWith(const std::string& part) { return Matchers::EndsWith(part); }
}  // namespace Catch
#else
#include <catch2/catch.hpp>
#define BELAY_CATCH_VERSION 2
#endif
