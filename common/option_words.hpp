// What people type from habit: another spelling, PowerShell's form, Prisma's verbs. Each gets an answer instead of
// "unknown". Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace belay {

/// The most similar of `known`, none if nothing is close: at most two edits, or a third of the word.
[[nodiscard]] std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

/// "-BackupPath" or "-BackupPath:X" → the option of `known` ("--backup-path") that it means.
[[nodiscard]] std::optional<std::string> powershell_meaning(const std::string& argument,
                                                            const std::vector<std::string>& known);

/// What to use instead of Prisma's command (`words`: "dev" or "db", "push"); none if it is none of Prisma's. A
/// sentence.
[[nodiscard]] std::optional<std::string> instead_of_prisma(const std::vector<std::string>& words);

}  // namespace belay
