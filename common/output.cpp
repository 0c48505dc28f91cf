#include "common/output.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace belay {

namespace {

/// 0, or the reason why it is not all written.
int put(std::FILE* stream, std::string_view text) {
  errno = 0;
  const bool all = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
  return all && std::fflush(stream) == 0 ? 0 : (errno == 0 ? EIO : errno);
}

/// Length of the UTF-8 sequence that starts at `at`, 0 if there is none. Overlong forms, surrogates and values past
/// U+10FFFF are none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  const bool bad = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
                   (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90);
  return bad ? 0 : length;
}

/// JSON must be UTF-8; a name or a server's message may hold anything.
std::string dump(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

constexpr std::string_view red = "\033[31m";
constexpr std::string_view yellow = "\033[33m";
constexpr std::string_view bold = "\033[1m";
constexpr std::string_view color_off = "\033[0m";

std::string indented(std::string_view text, std::string_view indent) {
  std::string out{indent};
  for (const char c : text) {
    out += c;
    if (c == '\n') out += indent;
  }
  return out;
}

}  // namespace

std::string as_lines(const std::vector<std::string>& lines, std::string_view indent) {
  std::string text;
  for (const std::string& line : lines) text.append(indent).append(line) += '\n';
  return text;
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1_control = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (length == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) {
      out += fmt::format("\\x{:02x}", c);
      ++i;
    } else if (c1_control) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[i + 1]));
      i += 2;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

void Output::configure(OutputSettings settings, std::string tool) {
  settings_ = settings;
  tool_ = std::move(tool);
}

void Output::clear_progress() {
  if (!progress_shown_) return;
  put(stderr, "\r\033[K");
  progress_shown_ = false;
}

void Output::emit(std::string_view kind, const Json& fields) {
  Json line = {{"event", kind}, {"tool", tool_}};
  line.update(fields);
  put(stderr, dump(line, -1) + "\n");
}

void Output::heading(std::string_view title) {
  if (settings_.json) return emit("step", {{"title", title}});
  if (settings_.quiet) return;
  clear_progress();
  put(stderr, settings_.color ? fmt::format("\n{}=== {} ==={}\n", bold, title, color_off)
                              : fmt::format("\n=== {} ===\n", title));
}

void Output::note(std::string_view text) {
  if (settings_.json) return emit("note", {{"text", text}});
  if (settings_.quiet) return;
  clear_progress();
  put(stderr, printable(text) + "\n");
}

void Output::detail(std::string_view text) {
  if (settings_.verbose) note(text);
}

void Output::warn(std::string_view text) {
  if (settings_.json) return emit("warning", {{"text", text}});
  clear_progress();
  put(stderr, settings_.color ? fmt::format("{}warning:{} {}\n", yellow, color_off, printable(text))
                              : fmt::format("warning: {}\n", printable(text)));
}

void Output::progress(std::string_view text, const Json& fields) {
  if (settings_.quiet || (!settings_.json && !settings_.terminal)) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_progress_ < std::chrono::milliseconds{settings_.json ? 1000 : 250}) return;
  last_progress_ = now;
  if (settings_.json) return emit("progress", fields);
  put(stderr, fmt::format("\r\033[K{}", printable(text)));
  progress_shown_ = true;
}

void Output::event(std::string_view name, const Json& fields) {
  if (settings_.json) emit(name, fields);
}

void Output::result(const Result& result) {
  clear_progress();
  std::string text;
  if (settings_.json) {
    Json whole = {{"format", "belay-result"}, {"version", 1}, {"tool", tool_}};
    whole.update(result.json);
    text = dump(whole, 2) + "\n";
  } else {
    text = printable(result.text);
  }
  const int reason = put(stdout, text);
  if (reason == 0 || reason == EPIPE) return;  // whoever closed the pipe has read what it wanted
  result_lost_ = true;
  warn(fmt::format("the result could not be written to standard output: {}", std::strerror(reason)));
}

void Output::error(const Error& error) {
  const int status = static_cast<int>(error.kind);
  if (settings_.json) {
    return emit("error",
                {{"status", status}, {"message", error.message}, {"detail", error.detail}, {"hint", error.hint}});
  }
  clear_progress();
  std::string text = settings_.color ? fmt::format("{}error:{} {}\n", red, color_off, printable(error.message))
                                     : fmt::format("error: {}\n", printable(error.message));
  std::string detail = printable(error.detail);
  while (!detail.empty() && detail.back() == '\n') detail.pop_back();
  if (!detail.empty()) text += indented(detail, "  ") + "\n";
  if (!error.hint.empty()) text += fmt::format("hint: {}\n", printable(error.hint));
  put(stderr, text);
}

}  // namespace belay
