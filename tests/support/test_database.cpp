#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/server.hpp"
#include "tests/support/session.hpp"

namespace belay::test {
namespace {

std::string percent_encoded(const std::string& text) {
  std::string result;
  for (const unsigned char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    std::array<char, 4> code{};
    std::snprintf(code.data(), code.size(), "%%%02X", c);
    result += plain ? std::string(1, static_cast<char>(c)) : std::string(code.data());
  }
  return result;
}

/// The longest beginning of at most `limit` bytes that does not cut a UTF-8 character.
std::string cut(const std::string& text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

/// The final letter keeps one test's name from being the beginning of another's, which would drop that one's databases.
std::string unique_suffix() {
  static std::atomic<int> count{0};
  return "_" + std::to_string(::getpid()) + "_" + std::to_string(++count) + "z";
}

bool names_as_target(const std::string& comment, const std::string& name) {
  const nlohmann::json marker = nlohmann::json::parse(comment, nullptr, false);
  if (!marker.is_object() || !marker.contains("target")) return false;
  const nlohmann::json& target = marker["target"];
  if (target.is_object()) return target.value("name", std::string()) == name;
  return target.is_string() && target.get<std::string>() == name;
}

bool belongs_to(const std::string& database, const std::string& comment, const std::string& name) {
  return database.compare(0, name.size(), name) == 0 || names_as_target(comment, name);
}

/// What keeps DROP DATABASE from working even WITH (FORCE).
void clear_the_way(const Session& server, const DatabaseUrl& url, const std::string& database) {
  const std::string where = " WHERE database = " + server.literal(database);
  for (const std::string& gid : server.run("SELECT gid FROM pg_prepared_xacts" + where)) {
    const Session inside(url, database);
    inside.run("ROLLBACK PREPARED " + inside.literal(gid));
  }
  server.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots" + where + " AND NOT active");
  server.run("UPDATE pg_database SET datistemplate = false WHERE datistemplate AND datname = " +
             server.literal(database));
}

}  // namespace

std::string url_text(const DatabaseUrl& url, const std::string& query) {
  std::string text = "postgresql://";
  if (url.user) text += percent_encoded(*url.user);
  if (url.password) text += ":" + percent_encoded(*url.password);
  if (url.user || url.password) text += "@";
  std::string further = query;
  for (const DatabaseUrl::Host& host : url.hosts) {
    const bool socket = host.name.compare(0, 1, "/") == 0;
    if (&host != &url.hosts.front()) text += ",";
    text += socket ? "localhost" : host.name;
    if (host.port) text += ":" + *host.port;
    if (socket) further += (further.empty() ? "host=" : "&host=") + percent_encoded(host.name);
  }
  for (const auto& [name, value] : url.parameters)
    further += (further.empty() ? "" : "&") + name + "=" + percent_encoded(value);
  return text + "/" + percent_encoded(url.database) + (further.empty() ? "" : "?" + further);
}

std::vector<std::string> run_sql(const DatabaseUrl& url, const std::string& script) {
  return Session(url, url.database).run(script);
}

TestDatabase::TestDatabase(const std::string& hint, Owner owner, const DatabaseUrl& server)
    : server_(server), url_(server) {
  const std::string suffix = unique_suffix();
  name_ = cut(hint, 40) + suffix;
  url_.database = name_;
  if (owner == Owner::plain) role_ = "owner" + suffix;
  try {
    create(owner);
  } catch (...) {
    drop_all();
    throw;
  }
}

TestDatabase::~TestDatabase() { drop_all(); }

void TestDatabase::create(Owner owner) {
  const Session server(server_, server_.database);
  std::string statement = "CREATE DATABASE " + server.identifier(name_) + " TEMPLATE template0";
  if (owner == Owner::plain) {
    owner_url_ = url_;
    owner_url_.user = role_;
    owner_url_.password = "p@ss w/o:rd%_" + role_;  // every byte that a URL has to encode
    server.run("CREATE ROLE " + server.identifier(role_) + " LOGIN CREATEDB PASSWORD " +
               server.literal(*owner_url_.password));
    statement += " OWNER " + server.identifier(role_);
  }
  server.run(statement);
}

const DatabaseUrl& TestDatabase::owner_url() const {
  if (role_.empty()) throw std::runtime_error("this test database was not made with Owner::plain");
  return owner_url_;
}

Connection TestDatabase::connect() const {
  return Connection(role_.empty() ? url_ : owner_url_, name_, SessionSettings{"belay-test", false});
}
Connection TestDatabase::connect_as_superuser() const {
  return Connection(url_, name_, SessionSettings{"belay-test", false});
}

void TestDatabase::sql(const std::string& script) const {
  Session(role_.empty() ? url_ : owner_url_, name_).run(script);
}
void TestDatabase::sql_as_superuser(const std::string& script) const { Session(url_, name_).run(script); }
std::vector<std::string> TestDatabase::column(const std::string& query) const {
  return Session(url_, name_).run(query);
}

std::string TestDatabase::value(const std::string& query) const {
  const std::vector<std::string> values = column(query);
  if (values.size() != 1)
    throw std::runtime_error("expected one row, got " + std::to_string(values.size()) + " for: " + query);
  return values.front();
}

std::string TestDatabase::dump(const std::vector<std::string>& further_options) const {
  std::vector<std::string> argv{(pg_bin() / "pg_dump").string(), "--dbname=" + url_text(url_)};
  argv.insert(argv.end(), further_options.begin(), further_options.end());
  const RunResult result = run(argv);
  if (result.status != 0) throw std::runtime_error("pg_dump failed: " + result.err);
  std::string text;
  for (std::size_t at = 0, end = 0; at < result.out.size(); at = end) {
    end = std::min(result.out.find('\n', at), result.out.size() - 1) + 1;
    const std::string line = result.out.substr(at, end - at);
    if (line.compare(0, 10, "\\restrict ") != 0 && line.compare(0, 12, "\\unrestrict ") != 0) text += line;
  }
  return text;
}

std::vector<std::string> TestDatabase::side_databases() const {
  const Session server(server_, server_.database);
  std::vector<std::string> result;
  for (const std::string& database :
       server.run("SELECT datname FROM pg_database WHERE datname <> " + server.literal(name_) + " ORDER BY 1")) {
    const auto comment = server.run("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = " +
                                    server.literal(database));
    if (!comment.empty() && belongs_to(database, comment[0], name_)) result.push_back(database);
  }
  return result;
}

void TestDatabase::drop_all() noexcept {
  try {
    const Session server(server_, server_.database);
    if (!server.usable()) return;  // the test took its own server down
    std::vector<std::string> databases = side_databases();
    databases.push_back(name_);
    for (const std::string& database : databases) {
      clear_the_way(server, server_, database);
      server.run("DROP DATABASE IF EXISTS " + server.identifier(database) + " WITH (FORCE)");
    }
    if (!role_.empty()) server.run("DROP ROLE IF EXISTS " + server.identifier(role_));
  } catch (const std::exception& trouble) {
    std::fprintf(stderr, "test database %s was not removed: %s\n", name_.c_str(), trouble.what());
  }
}

}  // namespace belay::test
