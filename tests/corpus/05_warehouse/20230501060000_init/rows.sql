INSERT INTO "stock"."item" SELECT 'S' || i, 'Item ' || i, CASE WHEN i % 3 > 0 THEN i * 10 END, CASE WHEN i % 4 = 0 THEN '{"color": "red", "color": "blue"}'::json WHEN i % 2 = 0 THEN '{"color": "blue"}' END FROM generate_series(1, 25) i;
INSERT INTO "stock"."place" ("code", "capacity") SELECT 'P' || lpad(i::text, 3, '0'), 50 * i FROM generate_series(1, 6) i;
INSERT INTO "stock"."movement" ("sku", "place_id", "quantity", "at") SELECT 'S' || (1 + i % 25), 1 + i % 6, 1 + i % 9, timestamptz '2023-03-01 00:00+00' + i * interval '1 day' FROM generate_series(1, 90) i;
