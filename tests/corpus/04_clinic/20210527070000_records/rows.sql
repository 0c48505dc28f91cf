INSERT INTO "record" ("patient_id", "kind", "body") SELECT "id", 'letter', sha256("family_name"::bytea) FROM "patient";
