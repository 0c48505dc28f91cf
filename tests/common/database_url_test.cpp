#include "common/database_url.hpp"

#include "common/error.hpp"
#include "tests/support/catch.hpp"

using belay::DatabaseUrl;
using belay::parse_database_url;
using Catch::Contains;

namespace {

std::string keyword(const DatabaseUrl& url, const std::string& name) {
  for (const auto& [key, value] : url.keywords(url.database)) {
    if (key == name) return value;
  }
  return "(none)";
}

std::string all_text(const belay::Error& error) { return error.message + '\n' + error.detail + '\n' + error.hint; }

/// Message, detail and hint of the url_refusal; empty if the URL was taken.
std::string url_refusal(const std::string& text) {
  try {
    (void)parse_database_url(text);
  } catch (const belay::Error& error) {
    CHECK(error.kind == belay::Failure::usage);
    return all_text(error);
  }
  return {};
}

}  // namespace

TEST_CASE("a database URL is taken apart into libpq's keywords") {
  struct Case {
    std::string url, host, port, user, password, dbname;
  };
  const Case row =
      GENERATE(Case{"postgresql://u:p@h:5433/app", "h", "5433", "u", "p", "app"},
               Case{"postgres://u@h/app", "h", "(none)", "u", "(none)", "app"},
               Case{"POSTGRESQL://h/app", "h", "(none)", "(none)", "(none)", "app"},
               Case{"  postgresql://u:p@h/app\n", "h", "(none)", "u", "p", "app"},
               Case{"postgresql://u:p@h", "h", "(none)", "u", "p", "postgres"},
               Case{"postgresql://u:p@h/", "h", "(none)", "u", "p", "postgres"},
               Case{"postgresql://u:p@h?schema=x", "h", "(none)", "u", "p", "postgres"},
               Case{"postgresql:///app", "localhost", "(none)", "(none)", "(none)", "app"},
               Case{"postgresql://u@/app", "localhost", "(none)", "u", "(none)", "app"},
               Case{"postgresql://", "localhost", "(none)", "(none)", "(none)", "postgres"},
               Case{"postgresql://:5433/app", "localhost", "5433", "(none)", "(none)", "app"},
               Case{"postgresql://h:/app", "h", "(none)", "(none)", "(none)", "app"},
               Case{"postgresql://u:@h/app", "h", "(none)", "u", "(none)", "app"},
               Case{"postgresql://:p@h/app", "h", "(none)", "(none)", "p", "app"},
               Case{"postgresql://u:p@[::1]:5433/app", "::1", "5433", "u", "p", "app"},
               Case{"postgresql://[fe80::1%25eth0]/app", "fe80::1%eth0", "(none)", "(none)", "(none)", "app"},
               Case{"postgresql://u@a:1,b:2/app", "a,b", "1,2", "u", "(none)", "app"},
               Case{"postgresql://u@a,b:2/app", "a,b", ",2", "u", "(none)", "app"},
               Case{"postgresql://u@%2Fvar%2Frun/app", "/var/run", "(none)", "u", "(none)", "app"},
               Case{"postgresql://u@localhost/app?host=/var/run", "/var/run", "(none)", "u", "(none)", "app"},
               Case{"postgresql://u@localhost:5433/app?host=%2Fvar%2Frun", "/var/run", "5433", "u", "(none)", "app"},
               Case{"postgresql://u@x:1,y:2/app?host=a,b", "a,b", "1,2", "u", "(none)", "app"},
               Case{"postgresql://u@h/my%20app", "h", "(none)", "u", "(none)", "my app"},
               Case{"postgresql://u@h/a+b", "h", "(none)", "u", "(none)", "a+b"},
               Case{"postgresql://u@h/app/", "h", "(none)", "u", "(none)", "app"},
               Case{"postgresql://a%40b:p@h/app", "h", "(none)", "a@b", "p", "app"});
  CAPTURE(row.url);
  const DatabaseUrl url = parse_database_url(row.url);
  CHECK(keyword(url, "host") == row.host);
  CHECK(keyword(url, "port") == row.port);
  CHECK(keyword(url, "user") == row.user);
  CHECK(keyword(url, "password") == row.password);
  CHECK(keyword(url, "dbname") == row.dbname);
}

TEST_CASE("every character of a password comes through") {
  struct Case {
    std::string written, password;
  };
  const Case row =
      GENERATE(Case{"%40%3A%2F%3F%23%25%20%27%22", "@:/?#% '\""}, Case{"a@b", "a@b"}, Case{"a@b@c", "a@b@c"},
               Case{"a:b", "a:b"}, Case{"a+b", "a+b"}, Case{"a b", "a b"}, Case{"100%", "100%"}, Case{"%zz%4", "%zz%4"},
               Case{"%C3%A4", "\xC3\xA4"}, Case{"%2540", "%40"}, Case{"a'b\\c\"", "a'b\\c\""});
  CAPTURE(row.written);
  const DatabaseUrl url = parse_database_url("postgresql://u:" + row.written + "@h:5433/app");
  CHECK(url.password == row.password);
  CHECK(url.user == "u");
  CHECK(keyword(url, "host") == "h");
  CHECK(url.database == "app");
}

TEST_CASE("the query is read as a form, with Prisma's meanings") {
  struct Case {
    std::string query, key, value;
  };
  const Case row = GENERATE(
      Case{"", "connect_timeout", "5"}, Case{"connect_timeout=0", "connect_timeout", "0"},
      Case{"connect_timeout=30", "connect_timeout", "30"}, Case{"options=-c+geqo%3Doff", "options", "-c geqo=off"},
      Case{"sslmode=require", "sslmode", "require"}, Case{"sslmode=no-verify", "sslmode", "require"},
      Case{"sslmode=verify-full", "sslmode", "verify-full"}, Case{"sslmode=verify-ca", "sslmode", "verify-ca"},
      Case{"sslmode=require&sslaccept=strict", "sslmode", "verify-full"},
      Case{"sslaccept=strict", "sslmode", "verify-full"},
      Case{"sslmode=verify-ca&sslaccept=strict", "sslmode", "verify-full"},
      Case{"sslaccept=whatever", "sslmode", "verify-full"}, Case{"sslaccept=accept_invalid_certs", "sslmode", "(none)"},
      Case{"sslmode=disable&sslaccept=strict", "sslmode", "disable"},
      Case{"sslaccept=strict&sslcert=/ca.pem", "sslrootcert", "/ca.pem"},
      Case{"sslmode=verify-ca&sslcert=/ca.pem", "sslrootcert", "/ca.pem"},
      Case{"sslmode=require&sslcert=/ca.pem", "sslrootcert", "(none)"},
      Case{"sslmode=require&sslcert=/ca.pem", "sslcert", "(none)"},
      Case{"sslaccept=strict&sslcert=/a.pem&sslrootcert=/b.pem", "sslrootcert", "/b.pem"},
      Case{"sslcert=/c.pem&sslkey=/k.pem", "sslcert", "/c.pem"},
      Case{"sslcert=/c.pem&sslkey=/k.pem", "sslkey", "/k.pem"},
      Case{"channel_binding=require", "channel_binding", "require"},
      Case{"channel_binding=odd", "channel_binding", "prefer"},
      Case{"sslmode=disable&sslmode=require", "sslmode", "require"},
      Case{"connection_limit=5&pool_timeout=3", "connection_limit", "(none)"},
      Case{"socket_timeout=3", "socket_timeout", "(none)"}, Case{"application_name=x", "application_name", "(none)"},
      Case{"user=eve", "user", "u"}, Case{"password=x", "password", "p"}, Case{"port=9", "port", "(none)"},
      Case{"hostaddr=10.0.0.1", "hostaddr", "(none)"}, Case{"service=other", "service", "(none)"},
      Case{"dbname=other", "dbname", "app"}, Case{"statement_cache_size=0", "statement_cache_size", "(none)"});
  CAPTURE(row.query);
  CHECK(keyword(parse_database_url("postgresql://u:p@h/app?" + row.query), row.key) == row.value);
}

TEST_CASE("schema and pgbouncer are kept beside the keywords") {
  const DatabaseUrl url = parse_database_url("postgresql://u@h/app?schema=my+schema&pgbouncer=true");
  CHECK(url.schema == "my schema");
  CHECK(url.pgbouncer);
  REQUIRE(url.warnings.size() == 1);
  CHECK_THAT(url.warnings.front(), Contains("pgbouncer=true"));
  CHECK(keyword(url, "schema") == "(none)");
  CHECK(keyword(url, "pgbouncer") == "(none)");
  CHECK_FALSE(parse_database_url("postgresql://u@h/app").schema);
}

TEST_CASE("several hosts lead to the primary unless the URL says otherwise") {
  CHECK(keyword(parse_database_url("postgresql://a,b/app"), "target_session_attrs") == "primary");
  CHECK(keyword(parse_database_url("postgresql://a,b/app?target_session_attrs=any"), "target_session_attrs") == "any");
  CHECK(keyword(parse_database_url("postgresql://a/app"), "target_session_attrs") == "(none)");
}

TEST_CASE("what is left out of a URL and matters is said") {
  struct Case {
    std::string query, says;
  };
  const Case row = GENERATE(Case{"user=eve", "user"}, Case{"password=hunter2", "password"},
                            Case{"hostaddr=10.0.0.1", "hostaddr"}, Case{"sslmod=require", "sslmod"},
                            Case{"Odd%20Name=1", "A parameter"}, Case{"sslcert=/ca.pem", "sslcert"});
  const DatabaseUrl url = parse_database_url("postgresql://u:p@h/app?" + row.query);
  REQUIRE(url.warnings.size() == 1);
  CHECK_THAT(url.warnings.front(), Contains(row.says));
  CHECK_THAT(url.warnings.front(), !Contains("hunter2") && !Contains("Odd"));
  CHECK(parse_database_url("postgresql://u:p@h/app?schema=public&sslmode=require&connection_limit=1").warnings.empty());
}

TEST_CASE("a URL that cannot be read is refused, and nothing of the password is shown") {
  struct Case {
    std::string url, says;
  };
  const Case row = GENERATE(
      Case{"", "empty"}, Case{"   ", "empty"}, Case{"\"postgresql://u:s3cret@h/app\"", "quote"},
      Case{"u:s3cret@h/app", "begin with"}, Case{"postgresql:u:s3cret@h", "begin with"}, Case{"s3cret", "begin with"},
      Case{"s3cret://h/app", "begin with"}, Case{"mysql://u:s3cret@h/app", "mysql"},
      Case{"prisma+postgres://h/?api_key=s3cret", "proxy"}, Case{"prisma://h/?api_key=s3cret", "proxy"},
      Case{"file:./s3cret.db", "file"}, Case{"host=h password=s3cret", "begin with"},
      Case{"postgresql://u:s3/cret@h/app", "raw @"}, Case{"postgresql://u:s3?cret@h/app", "raw @"},
      Case{"postgresql://u:12/s3cret@h/app", "raw @"}, Case{"postgresql://u:12?s3cret@h/app", "raw @"},
      Case{"postgresql://u:a@s3?cr=et@h/app", "raw @"}, Case{"postgresql://u:s3#cret@h/app", "raw #"},
      Case{"postgresql://u:s3cret", "port"}, Case{"postgresql://u:s3cret@h:54x2/app", "port"},
      Case{"postgresql://u:s3cret@h:0/app", "port"}, Case{"postgresql://u:s3cret@h:65536/app", "port"},
      Case{"postgresql://u:s3cret@h:999999999999/app", "port"}, Case{"postgresql://u:s3cret@::1/app", "brackets"},
      Case{"postgresql://u:s3cret@[::1/app", "bracket"}, Case{"postgresql://u:s3cret@[::1]x/app", "IPv6"},
      Case{"postgresql://u:s3cret@h/app?connect_timeout=soon", "connect_timeout"},
      Case{"postgresql://u:s3cret@h/app?connect_timeout=-1", "connect_timeout"},
      Case{"postgresql://u:s3cret@h/app?sslmode=verifyfull", "sslmode"},
      Case{"postgresql://u:s3cret@h/app?pgbouncer=yes", "pgbouncer"},
      Case{"postgresql://u:s3cret@h/app?schema=", "schema="},
      Case{"postgresql://u:s3cret@h/app?sslidentity=/c.p12", "PKCS#12"},
      Case{"postgresql://u:p@h/app?sslkey=/k&sslpassword=s3cret", "sslpassword"},
      Case{"postgresql://u:s3cret%00@h/app", "%00"}, Case{"postgresql://u:s3\ncret@h/app", "control character"},
      Case{"postgresql://u:s3cret@a:1,b:2/app?host=x,y,z", "number of hosts"});
  CAPTURE(row.url);
  const std::string text = url_refusal(row.url);
  CHECK_THAT(text, Contains(row.says));
  CHECK_THAT(text, !Contains("s3cret") && !Contains("s3") && !Contains("cret"));
}

TEST_CASE("a URL is described without its password") {
  struct Case {
    std::string url, description;
  };
  const Case row =
      GENERATE(Case{"postgresql://owner:s3cret@db.example:5432/app?schema=x",
                    "database \"app\" at db.example:5432 as user \"owner\""},
               Case{"postgresql://db.example:5433/app", "database \"app\" at db.example:5433"},
               Case{"postgresql://u:s3cret@[::1]:5433/app", "database \"app\" at [::1]:5433 as user \"u\""},
               Case{"postgresql://u:s3cret@a:1,b:2/app", "database \"app\" at a:1, b:2 as user \"u\""},
               Case{"postgresql://u:s3cret@x:5433/app?host=/run/pg",
                    "database \"app\" at socket /run/pg port 5433 as user \"u\""},
               Case{"postgresql://u:s3cret@h:1/a%1Bb", "database \"a\\x1bb\" at h:1 as user \"u\""});
  CHECK(parse_database_url(row.url).describe() == row.description);
}

TEST_CASE("without its password a URL still leads to the same place") {
  struct Case {
    std::string url, without;
  };
  const Case row = GENERATE(
      Case{"postgresql://u:s3cret@h:5433/app?schema=my+schema",
           "postgresql://u@h:5433/app?schema=my%20schema&connect_timeout=5"},
      Case{"postgresql://a%40b:s3cret@h/my%2Fapp?connect_timeout=9", "postgresql://a%40b@h/my%2Fapp?connect_timeout=9"},
      Case{"postgresql://u:s3cret@[::1]:1/app?pgbouncer=true",
           "postgresql://u@[::1]:1/app?pgbouncer=true&connect_timeout=5"},
      Case{"postgresql:///app?host=/run/pg", "postgresql://localhost/app?host=%2Frun%2Fpg&connect_timeout=5"});
  const DatabaseUrl url = parse_database_url(row.url);
  CHECK(url.without_password() == row.without);
  DatabaseUrl again = parse_database_url(url.without_password());
  again.password = url.password;
  CHECK(again.keywords("x") == url.keywords("x"));
  CHECK(again.schema == url.schema);
}

TEST_CASE("a child's connection string holds neither the password nor the options that come through PGOPTIONS") {
  const DatabaseUrl url =
      parse_database_url("postgresql://o'b:s3cret@h:5433/app?options=-c+geqo%3Doff&sslmode=require");
  CHECK(url.conninfo_without_password("it's") ==
        "host='h' port='5433' user='o\\'b' dbname='it\\'s' sslmode='require' connect_timeout='5'");
}

TEST_CASE("another database of the same server keeps everything else") {
  const DatabaseUrl url = parse_database_url("postgresql://u:p@h:5433/app?schema=x&sslmode=require");
  const DatabaseUrl other = url.with_database("app__restore");
  CHECK(other.database == "app__restore");
  CHECK(other.keywords("z") == url.keywords("z"));
  CHECK(other.schema == url.schema);
}
