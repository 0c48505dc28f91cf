// list, show, diff and the warning about a smaller backup, on folders of real backups.
#include "tests/server/catalogue_support.hpp"
#include "tests/server/fingerprint_schema_support.hpp"

namespace belay::test {
namespace {

// ---- list ----

TEST_CASE(
    "list shows a backup's time, age, size, rows, level, migrations and name, in UTC and by the manifest's time") {
  const ToolBench bench;
  deploy_first(bench);
  const std::string archive = bench.take_backup();
  const std::string older = aged_copy(archive, 400 * day, [](Manifest& m) {
    m.purpose = "pre-migration";
    m.copies = {{"minio:bucket/app", "2026-01-01T00:00:00Z"}};
  });
  fs::last_write_time(archive, fs::file_time_type::clock::now() - std::chrono::hours(100000));  // names and mtimes lie
  const RunResult result = list(bench);
  INFO(result.out);
  const Words lines = lines_of(result.out);
  REQUIRE(lines.size() >= 4);
  CHECK(lines[0] == "backups");
  for (const std::string heading : {"TIME (UTC)", "AGE", "SIZE", "ROWS", "LEVEL", "MIGR.", "KIND", "OFF-SITE", "NAME"})
    CHECK_THAT(lines[1], Catch::Contains(heading));
  CHECK_THAT(lines[2], Catch::Contains("400 d") && Catch::Contains("pre-migration") && Catch::Contains("minio") &&
                           Catch::EndsWith(fs::path(older).filename()));
  CHECK_THAT(lines[3],
             Catch::Contains("301") && Catch::Contains("archive") && Catch::EndsWith(fs::path(archive).filename()));
  for (const std::string& line : lines) CHECK(line.size() < 170);
  const Json json = listed(bench);
  REQUIRE(json.at("backups").size() == 2);
  const Json& newest = json.at("backups").at(1);
  CHECK(newest.at("rows") == 301);
  CHECK(newest.at("migrations") == 1);
  CHECK(newest.at("level") == "archive");
  CHECK(newest.at("bytes").is_number_unsigned());
  CHECK(newest.at("age_seconds").get<int>() < 600);
  CHECK(newest.at("damaged") == false);
  CHECK(newest.at("database") == bench.db.name());
  CHECK(json.at("backups").at(0).at("copies").at(0).at("remote") == "minio:bucket/app");
}

TEST_CASE("list needs no server and no URL, and says where there is nothing") {
  const ToolBench bench;
  const RunResult result =
      run(ToolBench::argv_of("backup-db", {"list", "--output-path", "nowhere"}), {}, {.cwd = bench.work.path()});
  CHECK(result.status == 0);
  CHECK(result.out == "No backup in nowhere\n");
}

TEST_CASE("a backup whose last verification failed is listed as damaged, with the reason, until it passes again") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string archive = bench.take_backup();
  const std::string good = read_text(archive);
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(~bad[bad.size() / 2]);
  write_text(archive, bad);
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 9);
  const RunResult result = list(bench);
  INFO(result.out);
  CHECK_THAT(result.out, Catch::Contains("damaged") && Catch::Contains("failed on 20"));
  CHECK(listed(bench).at("backups").at(0).at("damaged") == true);
  CHECK_FALSE(listed(bench).at("backups").at(0).at("failed_verification").at("problem").get<std::string>().empty());
  write_text(archive, good);
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);
  CHECK(listed(bench).at("backups").at(0).at("damaged") == false);
  CHECK(listed(bench).at("backups").at(0).at("failed_verification").is_null());
}

TEST_CASE(
    "what is not whole is never listed as a backup: archives without a manifest, .partial, cut and swapped manifests") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string whole = bench.take_backup();
  const std::string cut = aged_copy(whole, 1 * day), swapped = aged_copy(whole, 2 * day),
                    bare = aged_copy(whole, 3 * day), no_archive = aged_copy(whole, 4 * day),
                    half = aged_copy(whole, 5 * day);
  const auto manifest = [](const std::string& archive) { return archive + ".manifest.json"; };
  write_text(manifest(cut), read_text(manifest(cut)).substr(0, 500));
  fs::copy_file(manifest(whole), manifest(swapped), fs::copy_options::overwrite_existing);
  fs::remove(manifest(bare));
  fs::remove(no_archive);
  fs::rename(manifest(half), manifest(half) + ".partial");
  const Json json = listed(bench);
  REQUIRE(json.at("backups").size() == 1);
  CHECK(fs::path(json.at("backups").at(0).at("archive").get<std::string>()).filename() == fs::path(whole).filename());
  std::set<std::string> unusable;
  for (const Json& one : json.at("unusable")) {
    unusable.insert(fs::path(one.at("archive").get<std::string>()).filename());
    CHECK_FALSE(one.at("problem").get<std::string>().empty());
  }
  CHECK(unusable ==
        std::set<std::string>{fs::path(cut).filename(), fs::path(swapped).filename(), fs::path(no_archive).filename()});
  CHECK(json.at("unmanaged").empty());
  CHECK(json.at("without_manifest") == 2);
  const RunResult text = list(bench);
  CHECK_THAT(text.out, Catch::Contains("Not usable") && !Catch::Contains(fs::path(bare).filename()) &&
                           !Catch::Contains(fs::path(half).filename()));
}

TEST_CASE("dumps that belay did not write are listed apart, known by their content, oldest first by file time") {
  const ToolBench bench;
  fill_orders(bench.db);
  const fs::path folder = bench.work / "backups";
  fs::create_directories(folder);
  const std::string dump = (pg_bin() / "pg_dump").string();
  const auto shell = [&](const std::string& command) {
    const RunResult result =
        run({"bash", "-o", "pipefail", "-c", command},
            {{"DATABASE_URL", bench.env.at("DATABASE_URL")}, {"PATH", std::getenv("PATH")}}, {.cwd = folder});
    INFO(result.err);
    REQUIRE(result.status == 0);
  };
  const std::vector<std::array<std::string, 4>> forms{
      {"one", "plain", "none", dump + " -d $DATABASE_URL > one"},
      {"two.bin", "plain", "gzip", dump + " -d $DATABASE_URL | gzip > two.bin"},
      {"three", "plain", "zstd", dump + " -d $DATABASE_URL | zstd -q > three"},
      {"four.txt", "custom", "none", dump + " -d $DATABASE_URL -Fc > four.txt"},
      {"five", "custom", "zstd", dump + " -d $DATABASE_URL -Fc -Z0 | zstd -q > five"},
      {"six.zip", "tar", "none", dump + " -d $DATABASE_URL -Ft > six.zip"},
      {"seven", "directory", "none", dump + " -d $DATABASE_URL -Fd -f seven"},
      {"eight\nlines", "plain", "none", dump + " -v -d $DATABASE_URL > $'eight\\nlines'"}};
  int hours = 100;
  for (const auto& form : forms) {
    shell(form[3]);
    // A folder's time is its table of contents': its own changes with whatever is put into it later.
    const fs::path dated = form[1] == "directory" ? folder / form[0] / "toc.dat" : folder / form[0];
    fs::last_write_time(dated, fs::file_time_type::clock::now() - std::chrono::hours(--hours));
  }
  write_text(folder / "README.md", "# How a PostgreSQL database dump is restored\n");
  write_text(folder / "backup.sql", "SELECT 1;\n");
  write_text(folder / "empty.dump", "");
  shell("head -c 3000 /dev/urandom | gzip > noise.sql.gz; head -c 3 five > cut.zst");
  const Json json = listed(bench);
  CHECK(json.at("backups").empty());
  REQUIRE(json.at("unmanaged").size() == forms.size());
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const Json& one = json.at("unmanaged").at(i);
    CAPTURE(forms[i][0]);
    CHECK(fs::path(one.at("file").get<std::string>()).filename() == forms[i][0]);
    CHECK(one.at("form") == forms[i][1]);
    CHECK(one.at("compression") == forms[i][2]);
    CHECK(one.at("bytes").get<int>() > 300);
  }
  const RunResult text = list(bench);
  CHECK_THAT(text.out,
             Catch::Contains("by file time") && Catch::Contains("backup-db adopt") && Catch::Contains("eight\\nlines"));
}

TEST_CASE("show is complete: scope, purpose, files, roles, warnings, copies, failed verifications and properties") {
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql("ALTER DATABASE " + Session(bench.db.owner_url(), bench.db.name()).identifier(bench.db.name()) +
               " SET work_mem = '7MB'");
  const std::string archive = aged_copy(bench.take_backup(), 1 * day, [](Manifest& m) {
    m.purpose = "pre-restore";
    m.warnings = {"pg_dump: warning: something odd"};
    m.copies = {{"far:away", "2026-01-02T00:00:00Z"}};
    m.verification.push_back({Level::archive, "2026-01-03T00:00:00Z", "0.1.0", {}, "the archive is cut"});
    m.role_definitions = {{"someone", "CREATE ROLE \"someone\" LOGIN", {"GRANT \"group\" TO \"someone\""}}};
    m.globals = Companion{"some.globals.sql", 2048, "x"};
  });
  const RunResult result = bench.tool("backup-db", {"show", archive});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  for (const std::string text : {"pre-restore", "whole", "something odd", "far:away", "FAILED: the archive is cut",
                                 "CREATE ROLE \"someone\" LOGIN", "GRANT \"group\" TO \"someone\"", "some.globals.sql",
                                 "work_mem = 7MB", "\"public\".\"orders\" 300 rows", "Level       checksum", "By hand"})
    CHECK_THAT(result.out, Catch::Contains(text));
  CHECK_THAT(result.out, Catch::Contains("\"" + bench.db.owner_name() + "\""));
  const Json json = Json::parse(bench.tool("backup-db", {"show", archive, "--json"}).out);
  CHECK(json.at("format") == "belay-result");
  CHECK(json.at("manifest").at("purpose") == "pre-restore");
}

// ---- diff ----

/// Every kind of place where PostgreSQL prints an expression, each with a list of varchars.
constexpr const char* varchar_places = R"(
CREATE TABLE p (id int PRIMARY KEY, v varchar(20) CHECK (v IN ('a','b')), w varchar DEFAULT CASE WHEN current_user::varchar IN ('a','b') THEN 'x' END,
  g boolean GENERATED ALWAYS AS (v NOT IN ('c','d')) STORED, tags varchar[], b bigint, s smallint);
INSERT INTO p SELECT i, 'a' FROM generate_series(1, 20) i;
ALTER TABLE p ADD CONSTRAINT c1 CHECK (v IN ('a', NULL)), ADD CONSTRAINT c2 CHECK (v IN ('a','b', w, 'c')),
  ADD CONSTRAINT c3 CHECK (tags && ARRAY['a','b']::varchar(3)[]), ADD CONSTRAINT c4 CHECK ((id, b) IN ((1,2),(3,4),(5,6)) OR true),
  ADD CONSTRAINT c5 CHECK (id BETWEEN 1 AND 50 AND id > -1), ADD CONSTRAINT c6 CHECK (v IN ('a'::varchar(2),'b'::varchar(3))),
  ADD CONSTRAINT c7 CHECK (coalesce(v,'a') IN ('a','b')), ADD CONSTRAINT c8 CHECK (id IN (1, b, s) OR true),
  ADD CONSTRAINT c9 CHECK (v = ANY (ARRAY[ARRAY['a'::varchar,'b'],ARRAY['c'::varchar,'d']]::text[]));
CREATE INDEX i ON p ((v IN ('a','b')) DESC NULLS LAST, lower(v)) INCLUDE (b) WHERE v IN ('a','b') AND id IN (1,2,3);
ALTER TABLE p ENABLE ROW LEVEL SECURITY;
CREATE POLICY po ON p USING (v IN (SELECT x.w FROM p x WHERE x.v IN ('a','b'))) WITH CHECK (v IN ('a','b'));
CREATE VIEW vi AS WITH x AS (SELECT v FROM p WHERE v IN ('a','b')) SELECT v, v IN ('a','c') AS q, ARRAY['a'::varchar, v]::text[] AS arr FROM x;
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FILTER (WHERE v IN ('a','b')) FROM p;
CREATE TABLE u (id int, v varchar, tx text);
CREATE RULE r1 AS ON INSERT TO u WHERE new.v IN ('a','b') DO ALSO (UPDATE u SET v = 'x' WHERE u.v IN ('p','q'); DELETE FROM u WHERE v IN ('z',new.v));
CREATE RULE r2 AS ON UPDATE TO u DO ALSO UPDATE p SET (v,w) = (SELECT 'a','b') WHERE p.v IN ('p','q');
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER t1 AFTER UPDATE OF v ON p FOR EACH ROW WHEN (new.v IN ('a','b')) EXECUTE FUNCTION tf('a','b');
CREATE CONSTRAINT TRIGGER t2 AFTER INSERT ON p DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.v IN ('a','b')) EXECUTE FUNCTION tf();
CREATE FUNCTION f1(a varchar DEFAULT CASE WHEN 'q'::varchar IN ('a','b') THEN 'x' END) RETURNS boolean LANGUAGE sql BEGIN ATOMIC SELECT a IN ('a','b'); END;
CREATE FUNCTION f2(a varchar) RETURNS int LANGUAGE sql RETURN CASE WHEN a IN ('a','b') THEN 1 ELSE 2 END;
CREATE PROCEDURE pr(a varchar) LANGUAGE sql BEGIN ATOMIC UPDATE p SET v = a WHERE v IN ('a','b'); END;
CREATE DOMAIN dd AS varchar DEFAULT CASE WHEN 'a'::varchar IN ('a','b') THEN 'x' END CONSTRAINT k CHECK (VALUE IN ('x','b'));
CREATE STATISTICS st ON (v IN ('a','b')), id FROM p;
CREATE TABLE pt (v varchar, k int) PARTITION BY RANGE ((v IN ('a','b')), k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (false, 1) TO (true, 2);
)";

RunResult diff(const ToolBench& bench, const std::string& a, const std::string& b, Words more = {}) {
  more.insert(more.begin(), {"diff", a, b});
  return bench.tool("backup-db", more);
}

/// Backs up, restores in place, backs up again, and compares.
void check_same_after_restore(const ToolBench& bench) {
  const std::string before = bench.take_backup();
  const RunResult restored = bench.restore({"--backup-file", before, "--skip-pre-restore-backup", "--force"});
  INFO(restored.err);
  REQUIRE(restored.status == 0);
  const std::string after = bench.take_backup();
  REQUIRE(before != after);
  const RunResult result = diff(bench, before, after);
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::EndsWith("No difference.\n"));
  const Json json = Json::parse(diff(bench, before, after, {"--json"}).out);
  CHECK(json.at("equal") == true);
  CHECK(json.at("schema").empty());
  CHECK(json.at("tables").empty());
  // It was not for lack of other texts: a restore does print these in other words.
  CHECK(read_text(before + ".schema.json") != read_text(after + ".schema.json"));
}

TEST_CASE("a database restored from its backup does not differ from it: lists of varchars wherever they can stand") {
  const ToolBench bench("diff", Owner::superuser);
  bench.db.sql(varchar_places);
  check_same_after_restore(bench);
}

TEST_CASE("a database restored from its backup does not differ from it: one of everything") {
  const ToolBench bench("diff", Owner::superuser);
  fill_schema(bench.db);
  check_same_after_restore(bench);
}

TEST_CASE("one change at a time is found, in the schema, the rows, the sequences, the database") {
  const ToolBench bench("diff", Owner::superuser);
  bench.db.sql(varchar_places);
  bench.db.sql("CREATE SEQUENCE sq; SELECT nextval('sq'); CREATE TABLE rows (a int); INSERT INTO rows VALUES (1), (2)");
  const std::string name = Session(bench.db.url(), bench.db.name()).identifier(bench.db.name());
  struct Case {
    std::string change, back, line;
  };
  const std::vector<Case> cases{
      {"ALTER TABLE p DROP CONSTRAINT c1", "ALTER TABLE p ADD CONSTRAINT c1 CHECK (v IN ('a', NULL))",
       "- constraint \"public\".\"p\".\"c1\""},
      {"ALTER TABLE p DROP CONSTRAINT c7; ALTER TABLE p ADD CONSTRAINT c7 CHECK (coalesce(v,'a') IN ('a','c'))",
       "ALTER TABLE p DROP CONSTRAINT c7; ALTER TABLE p ADD CONSTRAINT c7 CHECK (coalesce(v,'a') IN ('a','b'))",
       "~ constraint \"public\".\"p\".\"c7\": definition: "},
      {"ALTER POLICY po ON p WITH CHECK (v NOT IN ('a','b'))", "ALTER POLICY po ON p WITH CHECK (v IN ('a','b'))",
       "~ policy \"public\".\"p\".\"po\": with check: "},
      {"CREATE OR REPLACE FUNCTION f2(a varchar) RETURNS int LANGUAGE sql RETURN CASE WHEN a IN ('a','b') THEN 1 ELSE "
       "3 END",
       "CREATE OR REPLACE FUNCTION f2(a varchar) RETURNS int LANGUAGE sql RETURN CASE WHEN a IN ('a','b') THEN 1 ELSE "
       "2 END",
       "~ function \"public\".\"f2\"(character varying): definition: "},
      {"ALTER DOMAIN dd SET DEFAULT 'b'",
       "ALTER DOMAIN dd SET DEFAULT CASE WHEN 'a'::varchar IN ('a','b') THEN 'x' END",
       "~ domain \"public\".\"dd\": default: "},
      {"INSERT INTO rows VALUES (3)", "DELETE FROM rows WHERE a = 3", "\"public\".\"rows\"  2  ->  3  +1"},
      {"UPDATE rows SET a = 5 WHERE a = 2", "UPDATE rows SET a = 2 WHERE a = 5",
       "\"public\".\"rows\"  2  ->  2  other content"},
      {"SELECT nextval('sq')", "SELECT setval('sq', 1)", "~ \"public\".\"sq\": 1 -> 2"},
      {"SELECT setval('sq', 1, false)", "SELECT setval('sq', 1)", "~ \"public\".\"sq\": 1 -> 1 (not used yet)"},
      {"SELECT lo_from_bytea(4711, 'x')", "SELECT lo_unlink(4711)", "~ number: 0 -> 1"},
      {"CREATE EXTENSION pgcrypto", "DROP EXTENSION pgcrypto", "+ pgcrypto 1"},
      {"ALTER DATABASE " + name + " SET work_mem = '5MB'", "ALTER DATABASE " + name + " RESET work_mem",
       "~ settings: "},
  };
  const std::string before = bench.take_backup();
  for (const Case& c : cases) {
    CAPTURE(c.change);
    bench.db.sql(c.change);
    const std::string after = bench.take_backup({"--verify", "checksum"});
    const RunResult result = diff(bench, before, after);
    INFO(result.out);
    CHECK(result.status == 9);
    CHECK_THAT(result.out, Catch::Contains(c.line) && Catch::EndsWith("\n1 difference.\n"));
    const RunResult reversed = diff(bench, after, before);
    CHECK(reversed.status == 9);
    CHECK_THAT(reversed.out, Catch::EndsWith("\n1 difference.\n"));
    bench.db.sql(c.back);
    for (const std::string suffix : {"", ".manifest.json", ".schema.json"}) fs::remove(after + suffix);
  }
  CHECK(diff(bench, before, bench.take_backup()).status == 0);
}

TEST_CASE("diff needs no server, takes two usable backups, and says what a backup of definitions does not hold") {
  const ToolBench bench;
  fill_orders(bench.db);
  const std::string whole = bench.take_backup();
  const std::string other = aged_copy(whole, 1 * day);
  const RunResult offline = run(ToolBench::argv_of("backup-db", {"diff", whole, other}), {}, {});
  CHECK(offline.status == 0);
  CHECK(diff(bench, whole, "nowhere").status == 8);
  CHECK(bench.tool("backup-db", {"diff", whole}).status == 2);
  const RunResult schema = bench.backup({"--schema-only", "--json"});
  INFO(schema.err);
  REQUIRE(schema.status == 0);
  const RunResult result = diff(bench, whole, Json::parse(schema.out).at("archive"));
  INFO(result.out);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Catch::Contains("rows, sequences and large objects: not both backups hold them"));
  write_text(other + ".schema.json", read_text(other + ".schema.json") + " ");
  CHECK(diff(bench, whole, other).status == 8);
}

// ---- shrinkage ----

TEST_CASE("a backup of a table that somebody emptied says so, and one that is like the last says nothing") {
  const ToolBench bench;
  fill_orders(bench.db);
  (void)bench.take_backup();
  const RunResult same = bench.backup();
  CHECK_THAT(same.err, !Catch::Contains("much less"));
  bench.db.sql("DELETE FROM lines WHERE id > 100; CREATE TABLE other (); ALTER TABLE orders RENAME TO orders_old");
  const RunResult less = bench.backup();
  INFO(less.err);
  CHECK(less.status == 0);
  CHECK_THAT(less.err, Catch::Contains("much less than in") &&
                           Catch::Contains("table \"public\".\"lines\": 100 rows, 300 before") &&
                           Catch::Contains("table \"public\".\"orders\" is gone, 300 rows before"));
}

}  // namespace
}  // namespace belay::test
