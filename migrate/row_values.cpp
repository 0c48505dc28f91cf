#include "migrate/row_values.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace belay {

namespace {

constexpr const char* left_out = "DETAIL:  left out, it quotes a row; the run's own output had it";

/// Any occurrence counts: a value that looks like another SQLSTATE must not make its row be quoted.
bool names_class(const std::string& detail, const std::string& sqlstate_class) {
  return detail.find("(SQLSTATE " + sqlstate_class) != std::string::npos ||
         detail.find("SQLSTATE: " + sqlstate_class) != std::string::npos;
}

/// From the first line that begins with one of the labels to the end: a value may hold line breaks, and so anything
/// that looks like the next label.
std::string cut_from(const std::string& text, const std::vector<std::string_view>& labels) {
  std::size_t end = std::string::npos;
  for (const std::string_view label : labels) {
    if (text.starts_with(label)) end = 0;
    end = std::min(end, text.find("\n" + std::string{label}));
  }
  if (end == std::string::npos) return text;
  const std::size_t state = text.rfind("\nSQLSTATE: ");
  const bool has_state = state != std::string::npos && state > end && text.find('\n', state + 1) == std::string::npos;
  return text.substr(0, end) + (end == 0 ? "" : "\n") + left_out + (has_state ? text.substr(state) : "");
}

/// `invalid input syntax for type integer: "abc"`: from the first quote to the last one of the server's own sentence.
std::string without_quoted(const std::string& text, std::size_t from, std::size_t to) {
  const std::size_t first = text.find('"', from);
  if (first == std::string::npos || first >= to) return text;
  const std::size_t last = text.rfind('"', to == std::string::npos ? to : to - 1);
  if (last <= first) return text.substr(0, first) + "\"…\"";
  return text.substr(0, first + 1) + "…" + text.substr(last);
}

std::string without_values_in_primary(const std::string& detail) {
  const std::size_t from = detail.find("ERROR:  ");
  if (from == std::string::npos) return detail;
  const std::size_t to =
      std::min({detail.find(" (SQLSTATE ", from), detail.find("\nLINE ", from), detail.find("\nSQLSTATE: ", from)});
  return without_quoted(detail, from, to);
}

}  // namespace

Error without_row_values(const Error& error) {
  Error clean{error.kind, error.message, error.detail, error.hint};
  const bool input = names_class(error.detail, "22");
  if (input || names_class(error.detail, "23")) {
    clean.detail = cut_from(clean.detail, {"DETAIL:", "CONTEXT:"});
  } else {
    clean.detail = cut_from(clean.detail, {"DETAIL:  Key (", "DETAIL: Key (", "DETAIL:  Failing row",
                                           "DETAIL: Failing row", "Key (", "Failing row contains", "CONTEXT:  COPY "});
  }
  if (!input) return clean;
  clean.detail = without_values_in_primary(clean.detail);
  // The tools' own sentences about a migration name it in quotes, and its file; a bare server's message is its own.
  if (!clean.message.starts_with("migration ")) clean.message = without_quoted(clean.message, 0, std::string::npos);
  return clean;
}

}  // namespace belay
