#include "rollback/lost_file.hpp"

#include "backup/catalogue.hpp"

namespace belay {

LostFile::LostFile(Files& files, const std::filesystem::path& path)
    : file_(files, path, PendingFile::Existing::replace),
      compressor_(make_compressor({.compression = Compression::zstd}, [this](ByteSpan bytes) { file_.write(bytes); })) {
}

void LostFile::write(std::string_view text) { compressor_->write(as_bytes(text)); }

void LostFile::commit() {
  compressor_->finish();
  file_.commit();
}

void sweep_lost_files(Files& files, const std::filesystem::path& folder) {
  for (const std::string& name : names_in(folder)) {
    const bool ours = name.starts_with("lost_") && name.ends_with(".sql.zst.partial");
    if (ours && !is_locked_by_another(folder / name)) files.remove(folder / name);
  }
}

}  // namespace belay
