INSERT INTO "stock"."movement" ("sku", "place_id", "quantity", "at") SELECT 'S' || i, 1, i, timestamptz '2024-02-01 00:00+00' + i * interval '1 day' FROM generate_series(1, 12) i;
