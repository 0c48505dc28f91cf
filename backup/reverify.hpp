// Verification of a finished backup, to any level, and its record in the manifest.
#pragma once
#include <functional>

#include "backup/options.hpp"
#include "backup/trial.hpp"

namespace belay {

/// What verifications need besides the backup.
struct Verifier {
  TrialRestore* trial = nullptr;
  std::optional<TrialPlace> place;  ///< for level restore
  std::optional<std::filesystem::path> pg_bin;
};

/// How a verification came out: the record, and the error that ended it.
struct Verdict {
  VerificationRecord record;
  std::optional<Error> error;
  std::string words;  ///< "verified to level archive", "proven except …"
  [[nodiscard]] bool passed() const { return !error; }
};

/// Verifies to `level`; what lies below is part of it. Damage and a failed trial are a verdict; anything that says
/// nothing about the backup (no server, no right, Ctrl-C) is thrown.
[[nodiscard]] Verdict verify_to(Level level, const std::filesystem::path& archive, const Manifest& manifest,
                                const Verifier& verifier, Tool& tool);

/// The trial restore alone, of a backup that is verified to level archive already.
[[nodiscard]] Verdict prove_to_restore(const std::filesystem::path& archive, const Manifest& manifest,
                                       const Verifier& verifier, Tool& tool);

/// Adds the verdict to the manifest of `archive`. False, with a warning, if the folder cannot be written to.
bool record_verdict(const std::filesystem::path& archive, Manifest manifest, const Verdict& verdict, Tool& tool);

/// The verb: every file, a line each. 9 if one did not pass.
int verify_backups(const BackupOptions& options, TrialRestore& trial, Tool& tool);

/// --side-server, else SHADOW_DATABASE_URL, else the server of DATABASE_URL. Throws usage.
[[nodiscard]] TrialPlace trial_place(const BackupOptions& options);
/// The first two only; none if neither is given.
[[nodiscard]] std::optional<TrialPlace> other_trial_place(const BackupOptions& options);

}  // namespace belay
