#include "common/plain_dump_statement.hpp"

#include <algorithm>
#include <utility>

#include "common/plain_dump_refusal.hpp"

namespace belay {

namespace {

/// Room for a COPY of 1600 columns with the longest names, each byte doubled.
constexpr std::size_t longest_held = std::size_t{256} * 1024;

}  // namespace

std::size_t PlainDumpStatement::room() const { return longest_held - std::min(held_.size(), longest_held); }

void PlainDumpStatement::code(std::string_view text) {
  if (!verdict_) {
    const std::string_view kept = text.substr(0, room());
    text_ += kept;
    hold(kept);
    text.remove_prefix(kept.size());
  }
  hand_on(text);
}

void PlainDumpStatement::comment(std::string_view text) {
  if (!verdict_) {
    const std::string_view kept = text.substr(0, room());
    if (text_.back() != ' ') text_ += ' ';  // once, whatever the pieces are
    hold(kept);
    text.remove_prefix(kept.size());
  }
  hand_on(text);
}

void PlainDumpStatement::hold(std::string_view text) {
  held_ += text;
  if (room() == 0)
    judge(text_, StatementText::too_long);
  else if (text_.size() >= 2 * judged_)  // only at twice the size: the work stays linear, however small the pieces are
    judge(text_, StatementText::partial);
  if (!verdict_) return;
  hand_on(held_);
  held_.clear();
  text_.clear();
}

void PlainDumpStatement::judge(std::string_view text, StatementText how_much) {
  verdict_ = judge_dump_statement(text, how_much);
  judged_ = text.size();
  if (!verdict_ || verdict_->kind != DumpVerdict::Kind::refuse) return;
  if (how_much != StatementText::partial) refuse_dump_line(line_, verdict_->what);
  verdict_.reset();  // at its end: what a dump is refused for does not depend on the pieces in which it comes
}

void PlainDumpStatement::hand_on(std::string_view text) {
  if (text.empty()) return;
  if (verdict_->kind == DumpVerdict::Kind::leave_out)
    output_->leave_out(text);
  else
    output_->pass(text);
}

PlainDumpStatement::Ended PlainDumpStatement::end(std::string_view text) {
  std::string_view whole;
  if (!verdict_ && text.size() >= room()) {
    code(text);
  } else if (!verdict_ && held_.empty()) {  // it lies in one piece: nothing has to be copied
    judge(text, StatementText::whole);
    hand_on(text);
    whole = text;
  } else if (!verdict_) {
    held_ += text;
    text_ += text;
    judge(text_, StatementText::whole);
    hand_on(held_);
    std::swap(text_, ended_text_);
    whole = ended_text_;
  } else {
    hand_on(text);
  }
  held_.clear();
  text_.clear();
  judged_ = 0;
  return {*std::exchange(verdict_, std::nullopt), whole};
}

}  // namespace belay
