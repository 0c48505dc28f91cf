INSERT INTO "tenants" ("slug", "settings") SELECT 't' || i, jsonb_build_object('plan', CASE WHEN i % 2 = 0 THEN 'free' ELSE 'pro' END, 'seats', i) FROM generate_series(1, 5) i;
INSERT INTO "members" ("tenant_id", "email", "role") SELECT t."id", 'm' || i || '@' || t."slug", CASE WHEN i = 1 THEN 'owner' ELSE 'member' END FROM "tenants" t, generate_series(1, 4) i;
INSERT INTO "projects" ("tenant_id", "name", "archived", "budget") SELECT t."id", 'Project ' || i, i = 3, CASE WHEN i > 1 THEN i * 100 END FROM "tenants" t, generate_series(1, 3) i;
