// Quoting for the few places where SQL cannot take a parameter.
#pragma once
#include <string>
#include <string_view>

namespace belay {

/// "name" with quotes doubled. Always quoted.
[[nodiscard]] std::string quote_identifier(std::string_view name);
/// 'text', or E'…' where it holds a backslash.
[[nodiscard]] std::string quote_literal(std::string_view text);
/// A value for a connection string: 'value' with \ and ' escaped.
[[nodiscard]] std::string quote_conninfo(std::string_view value);

}  // namespace belay
