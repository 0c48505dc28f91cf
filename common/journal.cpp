#include "common/journal.hpp"

#include <spdlog/spdlog.h>

#include "common/error.hpp"

namespace belay {

Journal::Journal(Files& files, const Clock& clock, const std::filesystem::path& catalogue, const std::string& run)
    : files_(files), clock_(clock), folder_(catalogue / "runs" / run) {
  make_private_directories(folder_);
  file_ = files_.create_locked(folder_ / "journal.ndjson");
  files_.sync_directory(folder_);
}

void Journal::try_to_open(const std::filesystem::path& catalogue, const std::string& run) noexcept {
  try {
    folder_ = catalogue / "runs" / run;
    make_private_directories(folder_);
    file_ = files_.create_locked(folder_ / "journal.ndjson");
  } catch (const std::exception& error) {
    spdlog::warn("no journal: {}", error.what());
  }
}

void Journal::record(const std::string& step, const Json& fields) {
  Json line = {{"at", iso_utc(clock_.now())}, {"step", step}};
  line.update(fields);
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  spdlog::info("{}", text.substr(0, text.size() - 1));
  if (!file_) return;
  try {
    files_.write(file_, as_bytes(text));
    files_.sync(file_);
  } catch (const Error& error) {
    if (mandatory_) throw;
    spdlog::warn("the journal could not be written: {}", error.message);
  }
}

}  // namespace belay
