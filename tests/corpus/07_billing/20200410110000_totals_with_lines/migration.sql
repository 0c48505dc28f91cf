-- The sum grows beyond what the old type holds.
DROP VIEW "open_items";
CREATE OR REPLACE VIEW "invoice_totals" AS
  SELECT i."id", i."number", sum(l."amount") AS "total", count(*) AS "lines" FROM "invoices" i JOIN "invoice_lines" l ON l."invoice_id" = i."id" GROUP BY i."id", i."number";
CREATE VIEW "open_items" AS SELECT t.*, c."name" FROM "invoice_totals" t JOIN "invoices" i ON i."id" = t."id" JOIN "customers" c ON c."id" = i."customer_id" WHERE i."paid_at" IS NULL;
