INSERT INTO "customers" ("name", "vat_id", "country", "balance") SELECT 'Customer ' || i, CASE WHEN i % 2 = 0 THEN 'DE' || i * 1111 END, CASE WHEN i % 5 = 0 THEN 'AT' ELSE 'DE' END, i * 7 FROM generate_series(1, 15) i;
INSERT INTO "customers" ("name") VALUES ('Never bought');
INSERT INTO "invoices" ("customer_id", "number", "issued", "due", "paid") SELECT 1 + i % 15, 'R-' || lpad(i::text, 5, '0'), date '2020-01-01' + i, CASE WHEN i % 3 > 0 THEN date '2020-02-01' + i END, i % 4 = 0 FROM generate_series(1, 40) i;
INSERT INTO "invoice_lines" ("invoice_id", "text", "quantity", "price") SELECT 1 + i % 40, 'Position ' || i, 1 + (i % 5) / 3.0, i * 1.25 FROM generate_series(1, 120) i;
