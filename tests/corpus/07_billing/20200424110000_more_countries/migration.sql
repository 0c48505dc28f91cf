INSERT INTO "countries" ("code", "name") VALUES ('FR', 'France'), ('IT', 'Italy') ON CONFLICT DO NOTHING;
