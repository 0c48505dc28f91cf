// The forms in which a backup can be written, each put back in two ways: without belay, and by a trial restore.
#include "tests/cli/tool_bench.hpp"

namespace belay::test {
namespace {

struct OutputForm {
  Words options;
  std::string extension;
};

std::string only_archive(const ToolBench& bench, const std::string& extension) {
  std::string found;
  for (const fs::directory_entry& entry : fs::directory_iterator(bench.work / "backups")) {
    if (!entry.path().string().ends_with(extension)) continue;
    CHECK(found.empty());
    found = entry.path().string();
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

Json manifest_of(const std::string& archive) { return Json::parse(read_text(archive + ".manifest.json")); }

/// The printed command, run as it stands, in a database made as the line says.
void put_back_by_hand(const ToolBench& bench, const std::string& archive, const std::string& name) {
  const std::string line = manifest_of(archive).at("restore_without_belay");
  const std::string marked = "NEW_EMPTY_DATABASE";
  std::string command = line;
  for (std::size_t at = command.find(marked); at != std::string::npos; at = command.find(marked))
    command.replace(at, marked.size(), name);
  const DatabaseUrl& url = bench.db.owner_url();
  const RunResult result = run({"bash", "-o", "pipefail", "-c", command},
                               {{"PGHOST", url.hosts.at(0).name},
                                {"PGPORT", url.hosts.at(0).port.value_or("5432")},
                                {"PGUSER", *url.user},
                                {"PGPASSWORD", *url.password},
                                {"PATH", pg_bin().string() + ":" + std::string(std::getenv("PATH"))}},
                               {.cwd = bench.work / "backups"});
  INFO(command << "\n" << result.err);
  CHECK(result.status == 0);
}

const std::string witness =
    "SELECT md5(string_agg(o::text, '' ORDER BY id)) FROM orders o UNION ALL SELECT md5(string_agg(l::text, '' ORDER "
    "BY id)) FROM lines l UNION ALL SELECT string_agg(encode(lo_get(oid), 'hex'), ',' ORDER BY oid) FROM "
    "pg_largeobject_metadata";

TEST_CASE("every form of a backup is proven by a trial restore and comes back without belay") {
  const OutputForm form = GENERATE(OutputForm{{}, ".dump.zst"}, OutputForm{{"--compress", "none"}, ".dump"},
                                   OutputForm{{"--format", "plain"}, ".sql"},
                                   OutputForm{{"--format", "plain", "--compress", "gzip"}, ".sql.gz"},
                                   OutputForm{{"--format", "plain", "--compress"}, ".sql.zst"});
  CAPTURE(form.extension);
  const ToolBench bench;
  fill_orders(bench.db);
  bench.db.sql("SELECT lo_from_bytea(0, 'abc'); INSERT INTO orders VALUES (1000, E'\\\\.\\n\\t\\\\')");
  Words options = form.options;
  options.insert(options.end(), {"--verify", "restore", "--json"});
  const RunResult result = bench.backup(options);
  INFO(result.err);
  REQUIRE(result.status == 0);
  const Json json = Json::parse(result.out);
  CHECK(json.at("level") == "restore");
  CHECK(json.at("proof").at("passed") == true);
  CHECK(bench.db.side_databases().empty());
  const std::string archive = only_archive(bench, form.extension);
  CHECK(manifest_of(archive).at("archive").at("format") == (form.extension.starts_with(".sql") ? "plain" : "custom"));

  const TestDatabase fresh("fresh");
  run_sql(fresh.url(), "ALTER DATABASE \"" + fresh.name() + "\" OWNER TO \"" + bench.db.owner_name() + "\"");
  put_back_by_hand(bench, archive, fresh.name());
  CHECK(run_sql(fresh.url(), witness) == bench.db.column(witness));

  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);
}

TEST_CASE("a plain backup that was cut or changed does not verify, and says so from then on") {
  const ToolBench bench;
  fill_orders(bench.db);
  REQUIRE(bench.backup({"--format", "plain"}).status == 0);
  const std::string archive = only_archive(bench, ".sql");
  const std::string whole = read_text(archive);
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);
  std::string other = whole;
  other[other.find("c4ca4238a0b923820dcc509a6f75849b")] = 'X';
  for (const std::string& damaged : {whole.substr(0, whole.size() - 1), whole + "\n", other}) {
    write_text(archive, damaged);
    const RunResult verified = bench.tool("backup-db", {"verify", archive, "--json"});
    CHECK(verified.status == 9);
    CHECK(Json::parse(verified.out).at("passed") == false);
    const RunResult list = bench.tool("backup-db", {"list", "--output-path", "backups", "--json"});
    CHECK(Json::parse(list.out).at("backups").at(0).at("level") == "none");
  }
  write_text(archive, whole);
  CHECK(bench.tool("backup-db", {"verify", archive}).status == 0);
  const RunResult list = bench.tool("backup-db", {"list", "--output-path", "backups", "--json"});
  CHECK(Json::parse(list.out).at("backups").at(0).at("level") == "archive");
}

TEST_CASE("a schema-only backup has its own name, no rows, and is refused where a whole one is needed") {
  const std::string format = GENERATE("custom", "plain");
  const ToolBench bench;
  fill_orders(bench.db);
  const RunResult result = bench.backup({"--schema-only", "--format", format, "--verify", "restore", "--json"});
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string archive = Json::parse(result.out).at("archive");
  CHECK(fs::path(archive).filename().string().starts_with("schema_backup_" + bench.db.name() + "_"));
  const Json manifest = manifest_of((bench.work / archive).string());
  CHECK(manifest.at("scope") == "schema");
  CHECK(manifest.at("fingerprint").at("content").at("tables").empty());
  const Json required = manifest.at("required");
  CHECK(std::find(required.begin(), required.end(), "scope") != required.end());
  const std::string before = bench.state();
  const RunResult restored = bench.restore({"--backup-file", archive, "--force"});
  CHECK(restored.status == 3);
  CHECK_THAT(restored.err, Catch::Contains("schema"));
  CHECK(bench.state() == before);
  CHECK(bench.sides("restore").empty());
}

TEST_CASE("options that do not go together are refused before anything is done") {
  const ToolBench bench;
  for (const Words& words : std::vector<Words>{{"--compress", "gzip"},
                                               {"--format", "plain", "--compression-level", "5"},
                                               {"--format", "plain", "--compress", "gzip", "--compression-level", "12"},
                                               {"--compress", "lz4"},
                                               {"--format", "directory"},
                                               {"--from", "x:y"},
                                               {"--copy-to", "x:y", "--backup-minio"},
                                               {"--retention", "standard", "--keep-daily", "3"},
                                               {"--retention-days", "0"},
                                               {"prune"},
                                               {"diff", "one"},
                                               {"show"},
                                               {"show", "one", "two"},
                                               {"fetch", "one"},
                                               {"--side-server", "postgresql://a:secret@h/d"}}) {
    const RunResult result = bench.backup(words);
    INFO(result.err);
    CHECK(result.status == 2);
    CHECK_FALSE(fs::exists(bench.work / "backups"));
    CHECK_THAT(result.err, !Catch::Contains("secret"));
  }
}

}  // namespace
}  // namespace belay::test
