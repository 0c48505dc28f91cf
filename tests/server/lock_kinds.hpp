// Kinds of DDL, and what PostgreSQL's documentation and source say that they lock and write anew.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

namespace belay::test {

using Locks = std::map<std::string, std::string>;  ///< table and its strongest lock

struct Kind {
  std::string setup, statement;
  Locks locks;
  std::set<std::string> rewritten = {};
};

inline const char* const AX = "ACCESS EXCLUSIVE";
inline const char* const X = "EXCLUSIVE";
inline const char* const SRX = "SHARE ROW EXCLUSIVE";
inline const char* const S = "SHARE";
inline const char* const SUX = "SHARE UPDATE EXCLUSIVE";

/// What every kind finds in its schema.
inline const char* const tables =
    "CREATE TABLE p (id integer PRIMARY KEY, code varchar(10) UNIQUE, flag boolean);"
    "CREATE TABLE t (id integer PRIMARY KEY, p_id integer CONSTRAINT t_p REFERENCES p, a integer, b varchar(10), c "
    "numeric(10, 2), d timestamp, e timestamp(3), f text, g varchar(10)[], CONSTRAINT t_a CHECK (a > 0));"
    "CREATE TABLE other (id integer PRIMARY KEY, t_id integer);"
    "CREATE INDEX t_b ON t (b); CREATE SEQUENCE s; CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN positive AS "
    "integer "
    "CHECK (value > 0); CREATE DOMAIN plain AS integer; CREATE TABLE uses (x plain);"
    "CREATE VIEW v AS SELECT id FROM other; CREATE VIEW w AS SELECT id FROM v; CREATE MATERIALIZED VIEW m AS SELECT id "
    "FROM other; CREATE UNIQUE INDEX m_id ON m (id);"
    "CREATE TABLE parted (id integer NOT NULL, at date) PARTITION BY RANGE (id);"
    "CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (1) TO (1000); CREATE TABLE part_2 (id integer NOT NULL, "
    "at "
    "date);"
    "CREATE TABLE base (id integer); CREATE TABLE derived (more integer) INHERITS (base); CREATE TABLE single (id "
    "integer);"
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
    "CREATE TRIGGER t_touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); CREATE POLICY t_policy ON t;"
    "CREATE STATISTICS t_stats ON a, b FROM t;"
    "INSERT INTO p SELECT i, i, true FROM generate_series(1, 5) i; INSERT INTO t SELECT i, i, i, i, i, now(), now(), "
    "i, "
    "'{x}' FROM generate_series(1, 5) i; INSERT INTO single VALUES (1); INSERT INTO uses VALUES (1); INSERT INTO "
    "part_1 VALUES (1); INSERT INTO "
    "part_2 VALUES (1001); INSERT INTO other SELECT i FROM generate_series(1, 5) i; INSERT INTO other VALUES (1001); "
    "INSERT INTO base VALUES (1); INSERT INTO derived VALUES (1);";

inline const std::vector<Kind> adding_columns{
    {"", "ALTER TABLE t ADD n integer", {{"t", AX}}},
    {"", "ALTER TABLE t ADD n integer NOT NULL DEFAULT 3", {{"t", AX}}},
    {"", "ALTER TABLE t ADD n timestamptz DEFAULT now()", {{"t", AX}}},
    {"", "ALTER TABLE t ADD n uuid DEFAULT gen_random_uuid()", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n timestamptz DEFAULT clock_timestamp()", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n serial", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n integer GENERATED ALWAYS AS IDENTITY", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n integer GENERATED ALWAYS AS (a * 2) STORED", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n positive", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ADD n plain", {{"t", AX}}},
    {"", "ALTER TABLE t ADD n integer REFERENCES other", {{"t", AX}, {"other", SRX}}},
    {"", "ALTER TABLE t ADD n integer UNIQUE", {{"t", AX}}},
    {"", "ALTER TABLE t ADD n integer CHECK (n > 0)", {{"t", AX}}},
    {"", "ALTER TABLE t ADD IF NOT EXISTS a integer", {{"t", AX}}},
    {"", "ALTER TABLE base ADD n integer", {{"base", AX}, {"derived", AX}}},
    {"", "ALTER TABLE parted ADD n uuid DEFAULT gen_random_uuid()", {{"parted", AX}, {"part_1", AX}}, {"part_1"}},
    {"", "ALTER TABLE t DROP b", {{"t", AX}}},
    {"", "ALTER TABLE t DROP p_id", {{"t", AX}, {"p", AX}}},
    {"", "ALTER TABLE other DROP id CASCADE", {{"other", AX}, {"v", AX}, {"w", AX}, {"m", AX}}}};

inline const std::vector<Kind> changing_types{
    {"", "ALTER TABLE t ALTER b TYPE varchar(20)", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER b TYPE text", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER b TYPE text USING b::text", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER b TYPE varchar(5)", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER b TYPE varchar", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER f TYPE varchar(30)", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER f TYPE varchar", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER c TYPE numeric(12, 2)", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER c TYPE numeric", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER c TYPE numeric(12, 4)", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER c TYPE numeric(8, 2)", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER a TYPE bigint", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER a TYPE bigint USING a * 2", {{"t", AX}}, {"t"}},
    {"SET timezone = 'UTC'", "ALTER TABLE t ALTER d TYPE timestamptz", {{"t", AX}}},
    {"SET timezone = 'Europe/Berlin'", "ALTER TABLE t ALTER d TYPE timestamptz", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER d TYPE timestamp(3)", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER e TYPE timestamp(6)", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER e TYPE timestamp", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER g TYPE varchar(20)[]", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER g TYPE text[]", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t ALTER a TYPE plain", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER p_id TYPE bigint", {{"t", AX}, {"p", AX}}, {"t"}},
    {"", "ALTER TABLE p ALTER id TYPE bigint", {{"p", AX}, {"t", AX}}, {"p"}}};

inline const std::vector<Kind> constraints{
    {"", "ALTER TABLE t ALTER a SET NOT NULL", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER id DROP DEFAULT", {{"t", AX}}},
    {"", "ALTER TABLE t ALTER a SET DEFAULT 3", {{"t", AX}}},
    {"", "ALTER TABLE t ADD CHECK (a < 100)", {{"t", AX}}},
    {"", "ALTER TABLE t ADD CHECK (a < 100) NOT VALID", {{"t", AX}}},
    {"ALTER TABLE t ADD CONSTRAINT n CHECK (a < 100) NOT VALID", "ALTER TABLE t VALIDATE CONSTRAINT n", {{"t", SUX}}},
    {"", "ALTER TABLE other ADD FOREIGN KEY (t_id) REFERENCES t", {{"other", SRX}, {"t", SRX}}},
    {"", "ALTER TABLE other ADD FOREIGN KEY (t_id) REFERENCES t NOT VALID", {{"other", SRX}, {"t", SRX}}},
    {"ALTER TABLE other ADD CONSTRAINT n FOREIGN KEY (t_id) REFERENCES t NOT VALID",
     "ALTER TABLE other VALIDATE CONSTRAINT n",
     {{"other", SUX}}},
    {"", "ALTER TABLE t DROP CONSTRAINT t_p", {{"t", AX}, {"p", AX}}},
    {"", "ALTER TABLE t DROP CONSTRAINT t_a", {{"t", AX}}},
    {"", "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE", {{"p", AX}, {"t", AX}}},
    {"", "ALTER TABLE t ADD UNIQUE (a)", {{"t", AX}}},
    {"CREATE UNIQUE INDEX n ON t (a)", "ALTER TABLE t ADD CONSTRAINT n UNIQUE USING INDEX n", {{"t", AX}}},
    {"", "ALTER TABLE single ADD PRIMARY KEY (id)", {{"single", AX}}},
    {"", "ALTER TABLE t ADD EXCLUDE (a WITH =)", {{"t", AX}}},
    {"", "ALTER TABLE t RENAME CONSTRAINT t_a TO n", {{"t", AX}}},
    {"", "CREATE TABLE made (id integer REFERENCES p)", {{"p", SRX}}},
    {"", "ALTER DOMAIN plain ADD CHECK (value > 0)", {{"uses", S}}},
    {"", "ALTER DOMAIN plain ADD CHECK (value > 0) NOT VALID", {}}};

inline const std::vector<Kind> other_kinds{
    {"", "CREATE INDEX ON t (a)", {{"t", S}}},
    {"", "CREATE INDEX ON parted (at)", {{"parted", S}, {"part_1", S}}},
    {"", "DROP INDEX t_b", {{"t", AX}}},
    {"", "ALTER INDEX t_b RENAME TO n", {}},
    {"", "ALTER INDEX t_b SET (fillfactor = 50)", {}},
    {"", "REINDEX INDEX t_b", {{"t", S}}},
    {"", "REINDEX TABLE t", {{"t", S}}},
    {"", "CLUSTER t USING t_b", {{"t", AX}}, {"t"}},
    {"", "TRUNCATE other", {{"other", AX}}, {"other"}},
    {"", "TRUNCATE p CASCADE", {{"p", AX}, {"t", AX}}, {"p", "t"}},
    {"", "DROP TABLE t", {{"t", AX}, {"p", AX}}},
    {"", "DROP TABLE p CASCADE", {{"p", AX}, {"t", AX}}},
    {"", "DROP TABLE other CASCADE", {{"other", AX}, {"v", AX}, {"w", AX}, {"m", AX}}},
    {"", "DROP VIEW w", {{"w", AX}}},
    {"", "DROP VIEW v CASCADE", {{"v", AX}, {"w", AX}}},
    {"", "DROP MATERIALIZED VIEW m", {{"m", AX}}},
    {"", "REFRESH MATERIALIZED VIEW m", {{"m", AX}}, {"m"}},
    {"", "REFRESH MATERIALIZED VIEW CONCURRENTLY m", {{"m", X}}},
    {"", "ALTER TABLE t SET UNLOGGED", {{"t", AX}}, {"t"}},
    {"", "ALTER TABLE t SET LOGGED", {{"t", AX}}},
    {"", "ALTER TABLE t SET (fillfactor = 50)", {{"t", SUX}}},
    {"", "ALTER TABLE t ALTER a SET STATISTICS 100", {{"t", SUX}}},
    {"", "ALTER TABLE t ALTER a SET (n_distinct = 5)", {{"t", SUX}}},
    {"", "ALTER TABLE t ALTER f SET STORAGE EXTERNAL", {{"t", AX}}},
    {"", "ALTER TABLE t CLUSTER ON t_b", {{"t", SUX}}},
    {"", "ALTER TABLE t RENAME TO n", {{"t", AX}}},
    {"", "ALTER TABLE t RENAME a TO n", {{"t", AX}}},
    {"CREATE SCHEMA IF NOT EXISTS elsewhere", "ALTER TABLE single SET SCHEMA elsewhere", {{"single", AX}}},
    {"", "ALTER TABLE t OWNER TO pg_read_all_data", {{"t", AX}}},
    {"", "ALTER TABLE t ENABLE ROW LEVEL SECURITY", {{"t", AX}}},
    {"", "ALTER TABLE t REPLICA IDENTITY FULL", {{"t", AX}}},
    {"", "ALTER TABLE t DISABLE TRIGGER t_touch", {{"t", SRX}}},
    {"", "CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()", {{"t", SRX}}},
    {"", "DROP TRIGGER t_touch ON t", {{"t", AX}}},
    {"", "ALTER TRIGGER t_touch ON t RENAME TO n", {{"t", AX}}},
    {"", "CREATE POLICY n ON t", {{"t", AX}}},
    {"", "ALTER POLICY t_policy ON t USING (true)", {{"t", AX}}},
    {"", "DROP POLICY t_policy ON t", {{"t", AX}}},
    {"", "CREATE RULE n AS ON DELETE TO t DO INSTEAD NOTHING", {{"t", AX}}},
    {"", "CREATE OR REPLACE VIEW w AS SELECT id FROM other", {{"w", AX}}},
    {"", "CREATE STATISTICS n ON a, f FROM t", {{"t", SUX}}},
    {"", "DROP STATISTICS t_stats", {{"t", SUX}}},
    {"", "COMMENT ON TABLE t IS 'x'", {{"t", SUX}}},
    {"", "COMMENT ON COLUMN t.a IS 'x'", {{"t", SUX}}},
    {"", "ANALYZE t", {{"t", SUX}}},
    {"", "GRANT SELECT ON t TO PUBLIC", {}},
    {"", "CREATE VIEW n AS SELECT * FROM t", {}},
    {"", "CREATE TABLE made AS SELECT * FROM t", {}},
    {"", "ALTER TYPE mood ADD VALUE 'bad'", {}},
    {"", "ALTER TYPE mood RENAME VALUE 'good' TO 'fine'", {}},
    {"", "LOCK TABLE t IN SHARE MODE", {{"t", S}}},
    {"", "UPDATE t SET a = 2", {}},
    {"CREATE PUBLICATION belay_lock_truth", "ALTER PUBLICATION belay_lock_truth ADD TABLE t", {{"t", SUX}}},
    {"",
     "ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES FROM (1000) TO (2000)",
     {{"parted", SUX}, {"part_2", AX}}},
    {"", "ALTER TABLE parted DETACH PARTITION part_1", {{"parted", AX}, {"part_1", AX}}},
    {"CREATE TABLE part_d PARTITION OF parted DEFAULT",
     "ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES FROM (1000) TO (2000)",
     {{"parted", SUX}, {"part_2", AX}, {"part_d", AX}}},
    {"", "CREATE TABLE made PARTITION OF parted FOR VALUES FROM (5000) TO (6000)", {{"parted", AX}}},
    {"", "DROP TABLE part_1", {{"parted", AX}, {"part_1", AX}}},
    {"", "CREATE TABLE made () INHERITS (base)", {{"base", SUX}}},
    {"", "ALTER TABLE single INHERIT base", {{"single", AX}, {"base", SUX}}},
    {"", "TRUNCATE parted", {{"parted", AX}, {"part_1", AX}}, {"part_1"}},
    {"CREATE TABLE coloured (c mood)", "DROP TYPE mood CASCADE", {{"coloured", AX}}}};

inline const std::vector<Kind> partitioned_tables{
    {"ALTER TABLE parted ADD PRIMARY KEY (id)",
     "ALTER TABLE other ADD FOREIGN KEY (t_id) REFERENCES parted",
     {{"other", SRX}, {"parted", SRX}, {"part_1", SRX}}},
    {"",
     "ALTER TABLE parted ADD FOREIGN KEY (id) REFERENCES other",
     {{"parted", SRX}, {"part_1", SRX}, {"other", SRX}}},
    {"ALTER TABLE parted ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES other",
     "ALTER TABLE parted DETACH PARTITION part_1",
     {{"parted", AX}, {"part_1", AX}, {"other", SRX}}},
    {"ALTER TABLE parted ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES other",
     "ALTER TABLE parted DROP CONSTRAINT n",
     {{"parted", AX}, {"part_1", AX}, {"other", AX}}},
    {"ALTER TABLE parted ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES other",
     "DROP TABLE part_1",
     {{"parted", AX}, {"part_1", AX}}},
    {"ALTER TABLE parted ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES other",
     "ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES FROM (1000) TO (2000)",
     {{"parted", SUX}, {"part_2", AX}, {"other", SRX}}},
    {"ALTER TABLE parted ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES other",
     "CREATE TABLE made PARTITION OF parted FOR VALUES FROM (5000) TO (6000)",
     {{"parted", AX}, {"other", SRX}}},
    {"", "DROP TABLE parted", {{"parted", AX}, {"part_1", AX}}},
    {"",
     "CREATE TRIGGER n BEFORE UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION touch()",
     {{"parted", SRX}, {"part_1", SRX}}},
    {"CREATE TRIGGER n BEFORE UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION touch()",
     "ALTER TABLE parted DISABLE TRIGGER n",
     {{"parted", SRX}, {"part_1", SRX}}},
    {"CREATE TRIGGER n BEFORE UPDATE ON parted FOR EACH ROW EXECUTE FUNCTION touch()",
     "DROP TRIGGER n ON parted",
     {{"parted", AX}, {"part_1", AX}}},
    {"", "ALTER TABLE parted ADD UNIQUE (id)", {{"parted", AX}, {"part_1", S}}},
    {"", "ALTER TABLE parted ADD PRIMARY KEY (id)", {{"parted", AX}, {"part_1", S}}},
    {"ALTER TABLE parted ALTER id DROP NOT NULL",
     "ALTER TABLE parted ADD PRIMARY KEY (id)",
     {{"parted", AX}, {"part_1", AX}}},
    {"CREATE INDEX n ON parted (at)", "DROP INDEX n", {{"parted", AX}, {"part_1", AX}}},
    {"", "CREATE INDEX ON ONLY parted (at)", {{"parted", S}}},
    {"", "ALTER TABLE parted ALTER at TYPE timestamp", {{"parted", AX}, {"part_1", AX}}, {"part_1"}},
    {"", "ALTER TABLE parted ADD CHECK (id > 0)", {{"parted", AX}, {"part_1", AX}}},
    {"", "ALTER TABLE parted ALTER id DROP NOT NULL", {{"parted", AX}, {"part_1", AX}}},
    {"", "ALTER TABLE parted DROP at", {{"parted", AX}, {"part_1", AX}}},
    {"", "ALTER TABLE parted RENAME at TO day", {{"parted", AX}, {"part_1", AX}}},
    {"", "ALTER TABLE parted RENAME TO day", {{"parted", AX}}},
    {"", "ALTER TABLE parted ENABLE ROW LEVEL SECURITY", {{"parted", AX}}},
    {"", "LOCK TABLE parted IN SHARE MODE", {{"parted", S}, {"part_1", S}}},
    {"", "ANALYZE part_1", {{"part_1", SUX}}},
    {"", "ALTER TABLE base ALTER id TYPE bigint", {{"base", AX}, {"derived", AX}}, {"base", "derived"}},
    {"", "ALTER TABLE ONLY base ADD CHECK (id > 0) NO INHERIT", {{"base", AX}}},
    {"", "ALTER TABLE derived NO INHERIT base", {{"derived", AX}}},
    {"", "DROP TABLE derived", {{"derived", AX}}},
    {"", "DROP TABLE base CASCADE", {{"base", AX}, {"derived", AX}}}};

}  // namespace belay::test
