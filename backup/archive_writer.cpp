#include "backup/archive_writer.hpp"

#include "common/error.hpp"

namespace belay {

namespace {

/// What is wrong with the bytes is pg_dump's doing here, not a disk's.
template <typename Step>
void judge_dump(const Step& step) {
  try {
    step();
  } catch (const Error& error) {
    if (error.kind != Failure::storage) throw;
    throw Error{Failure::failed, "what pg_dump wrote is no whole archive: " + error.message, error.detail,
                "No backup was kept. Which pg_dump is used can be said with --pg-bin."};
  }
}

}  // namespace

ArchiveWriter::ArchiveWriter(Files& files, const std::filesystem::path& path, ArchiveFormat format,
                             const CompressionSettings& settings)
    : format_(format),
      compression_(settings.compression),
      file_(files, path, PendingFile::Existing::refuse),
      decoder_(make_decompressor(settings.compression, path.filename().string(),
                                 [this](ByteSpan plain) { decoded_.add(as_text(plain)); })),
      encoder_(make_compressor(settings, [this](ByteSpan packed) {
        file_.write(packed);
        digest_.update(packed);
        decoder_->write(packed);
      })) {}

void ArchiveWriter::take_dump(ByteSpan bytes) {
  dumped_ += bytes.size();
  judge_dump([&] { reader_.write(bytes); });
  if (format_ == ArchiveFormat::custom) write(bytes);
}

void ArchiveWriter::take_script(ByteSpan bytes) { write(bytes); }

void ArchiveWriter::write(ByteSpan bytes) {
  plain_ += bytes.size();
  original_.add(as_text(bytes));
  encoder_->write(bytes);
}

void ArchiveWriter::finish() {
  judge_dump([&] { reader_.finish(); });
  encoder_->finish();
  decoder_->finish();
  if (original_.take() != decoded_.take())
    throw Error{Failure::storage, "the compressed archive does not decode to what pg_dump wrote"};
  sha256_ = digest_.hex();
  file_.finish();
}

ArchiveFacts ArchiveWriter::facts() const {
  return {.file = file_.final_path().filename(),
          .format = format_,
          .compression = compression_,
          .bytes = file_.size(),
          .plain_bytes = plain_,
          .sha256 = sha256_,
          .dumped_by = "pg_dump " + reader_.dumped_by()};
}

}  // namespace belay
