// A trial restore: the backup built as a side database, compared, and dropped again. The target is never touched.
//
// What is true if the process dies: a side database with its marker (tool backup-db, step "restoring") is left, which
// the next run of backup-db on that server, or `migrate-production recover`, drops.
#pragma once
#include "backup/trial.hpp"

namespace belay {

class SideTrial final : public TrialRestore {
 public:
  void check(const TrialPlace& place, Bytes bytes, Tool& tool) override;
  TrialResult prove(const TrialPlace& place, const std::filesystem::path& archive, const Manifest& manifest,
                    Tool& tool) override;
  SchemaFingerprint examine(const TrialPlace& place, const std::filesystem::path& archive, Manifest& manifest,
                            Tool& tool) override;
};

}  // namespace belay
