INSERT INTO "invoices" ("customer_id", "issued") SELECT i, '2020-04-01' FROM generate_series(1, 5) i;
