REVOKE ALL ON "patient" FROM PUBLIC;
GRANT SELECT ("id", "born", "sex") ON "patient" TO app_reader;
ALTER TABLE "record" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own_records" ON "record" FOR SELECT TO app_reader USING ("kind" <> 'secret');
