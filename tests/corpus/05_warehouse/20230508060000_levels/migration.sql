CREATE MATERIALIZED VIEW "stock"."level" AS SELECT "sku", "place_id", sum("quantity") AS "quantity" FROM "stock"."movement" GROUP BY "sku", "place_id";
CREATE UNIQUE INDEX "level_key" ON "stock"."level" ("sku", "place_id");
