// `.env` files as Prisma's CLI reads them (dotenv 16 syntax, then ${VAR} expansion).
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace belay {

/// Values of a .env text. `environment` is asked first when ${VAR} is expanded. Throws usage for a reference to a
/// variable that exists nowhere.
[[nodiscard]] std::map<std::string, std::string> parse_dotenv(
    const std::string& text, const std::function<std::optional<std::string>(const std::string&)>& environment);

/// One variable of a .env text, none if it is not there. Only what it refers to is expanded, so a reference elsewhere
/// in the file cannot be in the way.
[[nodiscard]] std::optional<std::string> dotenv_value(
    const std::string& text, const std::string& name,
    const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace belay
