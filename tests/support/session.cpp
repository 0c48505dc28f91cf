#include "tests/support/session.hpp"

#include <stdexcept>

namespace belay::test {

Session::Session(const DatabaseUrl& url, const std::string& database) {
  std::string hosts, ports;
  for (const DatabaseUrl::Host& host : url.hosts) {
    hosts += (hosts.empty() ? "" : ",") + host.name;
    ports += (&host == &url.hosts.front() ? "" : ",") + host.port.value_or("");
  }
  std::vector<const char*> names{"host", "port", "dbname", "connect_timeout", "application_name", "client_encoding"};
  std::vector<const char*> values{hosts.c_str(), ports.c_str(), database.c_str(), "10", "belay-test", "UTF8"};
  for (const auto& [name, value] : url.parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  if (url.user) names.push_back("user"), values.push_back(url.user->c_str());
  if (url.password) names.push_back("password"), values.push_back(url.password->c_str());
  names.push_back(nullptr);
  values.push_back(nullptr);
  pg_ = PQconnectdbParams(names.data(), values.data(), 0);
  PQsetNoticeProcessor(
      pg_, [](void*, const char*) {}, nullptr);
}

std::vector<std::string> Session::run(const std::string& script) const {
  if (!usable()) throw std::runtime_error(std::string("test session: ") + PQerrorMessage(pg_));
  if (PQsendQuery(pg_, script.c_str()) == 0)
    throw std::runtime_error(std::string("test session: ") + PQerrorMessage(pg_));
  std::vector<std::string> column;
  std::string trouble;
  while (PGresult* result = PQgetResult(pg_)) {
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) column.clear();
    for (int row = 0; status == PGRES_TUPLES_OK && PQnfields(result) > 0 && row < PQntuples(result); ++row)
      column.emplace_back(PQgetisnull(result, row, 0) != 0 ? "(null)" : PQgetvalue(result, row, 0));
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && trouble.empty())
      trouble = PQresultErrorMessage(result) + std::string("in: ") + script.substr(0, 500);
    PQclear(result);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
      throw std::runtime_error("test session: COPY is not for here");
  }
  if (!trouble.empty()) throw std::runtime_error(trouble);
  return column;
}

namespace {
std::string taken(char* text) {
  if (text == nullptr) throw std::runtime_error("test session: text could not be quoted");
  std::string copy(text);
  PQfreemem(text);
  return copy;
}
}  // namespace

std::string Session::identifier(const std::string& name) const {
  return taken(PQescapeIdentifier(pg_, name.c_str(), name.size()));
}
std::string Session::literal(const std::string& text) const {
  return taken(PQescapeLiteral(pg_, text.c_str(), text.size()));
}

}  // namespace belay::test
