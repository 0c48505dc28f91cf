// Reading a run's report (report.hpp). Anybody may have edited the file, and an older belay wrote fewer fields: what is
// missing, null or of another type reads as nothing, and nothing throws.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/output.hpp"

namespace belay {

/// What this belay writes and reads; a report of a higher format is not guessed at.
constexpr int report_format = 1;
/// Throws storage for a report of a higher format, and for what is no report at all.
void require_readable_report(const Json& report);

/// The field as text, a number too; empty where there is none.
[[nodiscard]] std::string text_in(const Json& object, const std::string& field);
[[nodiscard]] std::optional<double> number_in(const Json& object, const std::string& field);
/// Not negative; otherwise none.
[[nodiscard]] std::optional<std::uint64_t> count_in(const Json& object, const std::string& field);
[[nodiscard]] bool is_true(const Json& object, const std::string& field);
/// An array, empty where there is none.
[[nodiscard]] const Json& list_in(const Json& object, const std::string& field);
/// An object, empty where there is none.
[[nodiscard]] const Json& object_in(const Json& object, const std::string& field);
/// The texts of an array, without what is none.
[[nodiscard]] std::vector<std::string> texts_in(const Json& object, const std::string& field);

/// "0.4 ms", "12 ms", "3.4 s", "2 min 05 s"; "–" for none.
[[nodiscard]] std::string ms_words(std::optional<double> ms);
/// The same of a field.
[[nodiscard]] std::string ms_in(const Json& object, const std::string& field);
/// "1,234,567"; "–" for none.
[[nodiscard]] std::string count_words(std::optional<std::uint64_t> count);
/// "1.4 MiB"; "–" for none.
[[nodiscard]] std::string size_words(std::optional<std::uint64_t> bytes);
/// "2026-11-22 05:40:19 UTC" of "2026-11-22T05:40:19.123456Z"; text of another form as it is.
[[nodiscard]] std::string time_words(const std::string& iso);

/// How a state is meant, whatever it is called in its section.
enum class Tone { good, neutral, warning, bad };
/// Of an outcome, a step, a migration, a check of the preflight or a finding's severity.
[[nodiscard]] Tone tone_of(const std::string& state);

/// Whom a lock of that mode keeps waiting.
enum class LockBlocks { everybody, writers, changes };
[[nodiscard]] LockBlocks blocks(const std::string& mode);
/// "nobody can read or write", …
[[nodiscard]] std::string to_words(LockBlocks blocks);

}  // namespace belay
