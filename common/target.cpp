#include "common/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "common/dotenv.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace belay {

namespace {

namespace fs = std::filesystem;

constexpr const char* form = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=public";
constexpr Bytes largest_env_file = Bytes{1} << 20;

/// Both URLs as one source gives them.
struct Found {
  std::string source;  ///< "environment", or "file PATH"
  std::optional<std::string> database_url, direct_url;
};

std::string named(const Found& found, const std::string& variable) {
  return found.source == "environment" ? "environment " + variable : found.source;
}

DatabaseUrl parse_from(const std::string& text, const std::string& source) {
  try {
    return parse_database_url(text);
  } catch (Error& error) {
    error.message = fmt::format("could not read the database URL from {}", source);
    throw;
  }
}

void refuse_blank(const std::optional<std::string>& value, const std::string& source, const std::string& variable) {
  if (!value || value->find_first_not_of(" \t\r\n") != std::string::npos) return;
  throw Error{Failure::usage, fmt::format("{} is set, but empty, in {}", variable, source), "",
              fmt::format("Set it to {}, or remove it.", form)};
}

// ---- .env files

bool is_above(const fs::path& folder, const fs::path& start) {
  const fs::path relative = start.lexically_relative(folder);
  return folder != start && !relative.empty() && *relative.begin() != "..";
}

std::optional<fs::path> nearest_with_package_json(fs::path folder) {
  std::error_code error;
  for (;; folder = folder.parent_path()) {
    if (fs::is_regular_file(folder / "package.json", error)) return folder;
    if (folder == folder.root_path() || folder.empty()) return std::nullopt;
  }
}

/// Absolute, without "..", links resolved as far as the path exists: the same folder gets the same name.
fs::path full_path(const fs::path& path, const fs::path& start) {
  std::error_code error;
  const fs::path absolute = (start / path).lexically_normal();
  const fs::path resolved = fs::weakly_canonical(absolute, error);
  const fs::path& best = error ? absolute : resolved;
  return best.has_filename() ? best : best.parent_path();
}

/// The folders whose .env counts, without repetition: the places where Prisma and monorepos keep it.
std::vector<fs::path> env_folders(const fs::path& start, const std::optional<fs::path>& schema,
                                  const std::optional<fs::path>& migrations) {
  std::vector<fs::path> folders{start};
  const auto add = [&](const std::optional<fs::path>& folder) {
    if (folder && std::find(folders.begin(), folders.end(), *folder) == folders.end()) folders.push_back(*folder);
  };
  if (schema) add(schema->parent_path());
  if (migrations) {
    const fs::path parent = migrations->parent_path();
    add(parent);
    // Beside prisma/, but never above the current folder: with ./migrations that would be outside of the project.
    if (!is_above(parent.parent_path(), start)) add(parent.parent_path());
    add(nearest_with_package_json(*migrations));
  }
  add(nearest_with_package_json(start));
  return folders;
}

Found read_env_file(const fs::path& file, const Surroundings& surroundings) {
  Found found{"file " + file.string(), std::nullopt, std::nullopt};
  try {
    const std::string text = read_small_file(file, largest_env_file);
    found.database_url = dotenv_value(text, "DATABASE_URL", surroundings.environment);
    found.direct_url = dotenv_value(text, "DIRECT_URL", surroundings.environment);
  } catch (Error& error) {
    if (error.kind == Failure::usage) {
      error.message += fmt::format(" ({})", file.string());
      throw;
    }
    throw Error{Failure::usage, fmt::format("could not read \"{}\"", file.string()), error.detail,
                "Make it readable, or name the database with DATABASE_URL."};
  }
  refuse_blank(found.database_url, found.source, "DATABASE_URL");
  refuse_blank(found.direct_url, found.source, "DIRECT_URL");
  return found;
}

[[noreturn]] void refuse_several(const std::vector<Found>& files, const std::string& variable) {
  std::string list;
  for (const Found& found : files) list += (list.empty() ? "" : "\n") + found.source;
  throw Error{Failure::usage, fmt::format("several .env files give {} different values", variable), list,
              "Set DATABASE_URL in the environment to say which database is meant."};
}

/// The files that give `variable`; throws usage if they do not agree.
std::vector<Found> agreeing(const std::vector<Found>& files, std::optional<std::string> Found::*member,
                            const std::string& variable) {
  std::vector<Found> giving;
  std::copy_if(files.begin(), files.end(), std::back_inserter(giving),
               [&](const Found& found) { return (found.*member).has_value(); });
  const bool differ = std::any_of(giving.begin(), giving.end(),
                                  [&](const Found& found) { return found.*member != giving.front().*member; });
  if (differ) refuse_several(giving, variable);
  return giving;
}

[[noreturn]] void refuse_direct_elsewhere(const std::string& direct, const std::string& database) {
  throw Error{Failure::usage, fmt::format("DIRECT_URL stands in {}, and DATABASE_URL in {}", direct, database),
              "Prisma would use both; which database is meant cannot be told.",
              "Set both in the same place, or remove DIRECT_URL."};
}

[[noreturn]] void refuse_nothing_found(const std::vector<fs::path>& folders) {
  std::string looked = "Looked at --database-url, DATABASE_URL in the environment, and";
  for (const fs::path& folder : folders) looked += fmt::format("\n{}", (folder / ".env").string());
  throw Error{Failure::usage, "no database is named", looked, fmt::format("Set DATABASE_URL, in the form {}", form)};
}

Found find_in_files(const std::vector<fs::path>& folders, const Surroundings& surroundings) {
  std::vector<Found> files;
  std::error_code error;
  for (const fs::path& folder : folders) {
    if (fs::is_regular_file(folder / ".env", error)) files.push_back(read_env_file(folder / ".env", surroundings));
  }
  const std::vector<Found> giving = agreeing(files, &Found::database_url, "DATABASE_URL");
  if (giving.empty()) refuse_nothing_found(folders);
  const std::vector<Found> direct = agreeing(files, &Found::direct_url, "DIRECT_URL");
  if (surroundings.environment("DIRECT_URL")) refuse_direct_elsewhere("the environment", giving.front().source);
  if (direct.empty()) return giving.front();
  const auto both =
      std::find_if(direct.begin(), direct.end(), [](const Found& found) { return found.database_url.has_value(); });
  if (both == direct.end()) refuse_direct_elsewhere(direct.front().source, giving.front().source);
  return *both;
}

// ---- from a source to a target

/// DATABASE_URL, or DIRECT_URL beside it, which goes around a pooler and must lead to the same database.
DatabaseTarget target_of(const Found& found) {
  const std::string source = named(found, "DATABASE_URL");
  DatabaseUrl url = parse_from(*found.database_url, source);
  if (!found.direct_url) return {url, source, {}, *found.database_url};
  const std::string direct_source = found.source + " DIRECT_URL";
  DatabaseUrl direct = parse_from(*found.direct_url, direct_source);
  const bool same_schema = direct.schema.value_or("public") == url.schema.value_or("public");
  if (direct.database == url.database && same_schema)
    return {direct, direct_source, {}, *found.database_url, found.direct_url};
  throw Error{
      Failure::usage,
      fmt::format("DIRECT_URL and DATABASE_URL of {} name different {}", found.source,
                  same_schema ? "databases" : "schemas"),
      fmt::format("DATABASE_URL: {}{}\nDIRECT_URL: {}{}", url.describe(), url.schema ? ", schema " + *url.schema : "",
                  direct.describe(), direct.schema ? ", schema " + *direct.schema : ""),
      "Correct one of them, or remove DIRECT_URL."};
}

DatabaseTarget named_by_option(const CommonOptions& options, const Surroundings& surroundings) {
  const std::string source = options.database_url_source.empty() ? "--database-url" : options.database_url_source;
  DatabaseTarget target{parse_from(*options.database_url, source), source, {}, *options.database_url};
  if (surroundings.environment("DIRECT_URL")) {
    target.warnings.push_back(
        fmt::format("DIRECT_URL of the environment is not used: the database comes from {}.", source));
  }
  return target;
}

std::string& parameter(DatabaseUrl& url, const std::string& key) {
  for (auto& [name, value] : url.parameters) {
    if (name == key) return value;
  }
  url.parameters.emplace_back(key, "");
  return url.parameters.back().second;
}

void set_connect_timeout(DatabaseUrl& url, const std::string& duration) {
  const std::optional<std::chrono::milliseconds> limit = parse_duration(duration);
  if (!limit) throw Error{Failure::usage, fmt::format("\"{}\" is not a length of time", duration)};
  parameter(url, "connect_timeout") = std::to_string(std::chrono::ceil<std::chrono::seconds>(*limit).count());
}

/// Prisma reads a certificate's relative path from schema.prisma's folder, libpq from the current one.
void find_certificate(DatabaseUrl& url, const std::optional<fs::path>& schema_folder) {
  if (!schema_folder) return;
  for (auto& [key, value] : url.parameters) {
    std::error_code error;
    const bool relative = key == "sslrootcert" && fs::path(value).is_relative();
    if (relative && fs::is_regular_file(*schema_folder / value, error)) value = (*schema_folder / value).string();
  }
}

}  // namespace

Surroundings real_surroundings() {
  std::error_code error;
  const fs::path folder = fs::current_path(error);
  if (error) throw Error{Failure::usage, "could not find the current folder", error.message()};
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (value == nullptr) return std::nullopt;
            return std::string(value);
          },
          folder};
}

DatabaseTarget resolve_target(const CommonOptions& options, const Surroundings& surroundings,
                              const std::optional<std::filesystem::path>& migrations_folder) {
  const fs::path start = full_path(surroundings.folder, fs::path("/"));
  const std::optional<fs::path> named_migrations = migrations_folder ? migrations_folder : options.migrations;
  std::optional<fs::path> schema, migrations;
  if (options.prisma_schema) schema = full_path(*options.prisma_schema, start);
  if (named_migrations) migrations = full_path(*named_migrations, start);

  DatabaseTarget target;
  const std::optional<std::string> database_url = surroundings.environment("DATABASE_URL");
  if (options.database_url) {
    target = named_by_option(options, surroundings);
  } else if (database_url) {
    refuse_blank(database_url, "the environment", "DATABASE_URL");
    const std::optional<std::string> direct_url = surroundings.environment("DIRECT_URL");
    refuse_blank(direct_url, "the environment", "DIRECT_URL");
    target = target_of({"environment", database_url, direct_url});
  } else {
    target = target_of(find_in_files(env_folders(start, schema, migrations), surroundings));
  }
  if (options.connect_timeout) set_connect_timeout(target.url, *options.connect_timeout);
  find_certificate(target.url, schema       ? std::optional(schema->parent_path())
                               : migrations ? std::optional(migrations->parent_path())
                                            : std::nullopt);
  target.warnings.insert(target.warnings.begin(), target.url.warnings.begin(), target.url.warnings.end());
  return target;
}

std::optional<DatabaseTarget> find_side_server(const std::optional<std::string>& option,
                                               const Surroundings& surroundings) {
  if (option) return DatabaseTarget{parse_database_url(*option), "--side-server", {}};
  const std::optional<std::string> shadow = surroundings.environment("SHADOW_DATABASE_URL");
  if (!shadow || shadow->empty()) return std::nullopt;
  return DatabaseTarget{parse_database_url(*shadow), "environment SHADOW_DATABASE_URL", {}};
}

bool is_production(const Surroundings& surroundings, const std::optional<std::string>& environment_option) {
  const auto harmless = [](const std::string& word) {
    return word == "development" || word == "test" || word == "staging";
  };
  const std::optional<std::string> variable = surroundings.environment("BELAY_ENV");
  if (environment_option || variable) {
    return (environment_option && !harmless(*environment_option)) || (variable && !harmless(*variable));
  }
  return !harmless(surroundings.environment("NODE_ENV").value_or("production"));
}

}  // namespace belay
