DROP MATERIALIZED VIEW "stock"."level";
CREATE MATERIALIZED VIEW "stock"."level" AS SELECT "sku", "place_id", sum("quantity") AS "quantity", max("at") AS "changed_at" FROM "stock"."movement" GROUP BY "sku", "place_id";
CREATE UNIQUE INDEX "level_key" ON "stock"."level" ("sku", "place_id");
CREATE INDEX "level_changed" ON "stock"."level" ("changed_at");
