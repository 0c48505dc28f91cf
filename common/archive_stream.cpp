#include "common/archive_stream.hpp"

#include "common/archive_stream_blocks.hpp"
#include "common/archive_stream_toc.hpp"
#include "common/error.hpp"

namespace belay {

struct ArchiveReader::State {
  explicit State(ArchiveRowsUse use) : rows(use), header(use) {}
  enum class Part { header, table_of_contents, data, unknown_version, finished };
  Part part = Part::header;
  ArchiveRowsUse rows;
  ArchiveHeaderReader header;
  ArchiveTocReader toc;
  ArchiveBlocksReader blocks;
};

ArchiveReader::ArchiveReader(ArchiveRowsUse rows) : state_(std::make_unique<State>(rows)) {}
ArchiveReader::~ArchiveReader() = default;

void ArchiveReader::write(ByteSpan bytes) {
  State& state = *state_;
  std::string_view rest = as_text(bytes);
  if (rest.empty()) return;
  if (state.part == State::Part::finished) throw Error{Failure::bug, "bytes were written to a finished archive reader"};
  if (state.part == State::Part::header) {
    if (!state.header.read(rest)) return;
    state.toc.begin(state.header.header(), state.rows);
    state.part = state.header.header().known ? State::Part::table_of_contents : State::Part::unknown_version;
  }
  if (state.part == State::Part::unknown_version) return;
  if (state.part == State::Part::table_of_contents) {
    if (!state.toc.read(rest)) return;
    const bool shown = !state.header.header().compressed && !state.toc.inserts();
    state.blocks.begin(state.header.header(), state.toc.entries(),
                       shown ? ArchiveBlocksReader::Use::hash : ArchiveBlocksReader::Use::skip);
    state.part = State::Part::data;
  }
  state.blocks.read(rest);
}

void ArchiveReader::finish() {
  if (state_->part == State::Part::header || state_->part == State::Part::table_of_contents)
    throw Error{Failure::storage, "the archive is cut off", "It ends inside its table of contents.",
                "Use another backup."};
  if (state_->part == State::Part::data) state_->blocks.finish();
  state_->part = State::Part::finished;
}

ContentFingerprint ArchiveReader::content() const {
  if (state_->part != State::Part::finished)
    throw Error{Failure::bug, "an archive's content was asked for before its end"};
  return state_->blocks.content();
}

const std::vector<ArchiveEntry>& ArchiveReader::entries() const { return state_->toc.entries(); }
const std::string& ArchiveReader::current_table() const { return state_->blocks.current_table(); }
std::uint64_t ArchiveReader::rows() const { return state_->blocks.rows(); }
bool ArchiveReader::rows_shown() const {
  const ArchiveHeader& header = state_->header.header();
  return state_->part == State::Part::finished && header.known && !header.compressed && !state_->toc.inserts();
}
bool ArchiveReader::version_known() const { return state_->header.header().known; }
const std::string& ArchiveReader::dumped_by() const { return state_->header.header().pg_dump_version; }

}  // namespace belay
