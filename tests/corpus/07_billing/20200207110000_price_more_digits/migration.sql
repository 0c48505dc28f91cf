-- A generated column stands on this one, and two views on that.
DROP VIEW "open_items";
DROP VIEW "invoice_totals";
ALTER TABLE "invoice_lines" DROP COLUMN "amount";
ALTER TABLE "invoice_lines" ALTER COLUMN "price" TYPE NUMERIC(14,4);
ALTER TABLE "invoice_lines" ADD COLUMN "amount" NUMERIC(14,2) GENERATED ALWAYS AS (round("quantity" * "price", 2)) STORED;
CREATE VIEW "invoice_totals" AS
  SELECT i."id", i."number", sum(l."amount") AS "total" FROM "invoices" i JOIN "invoice_lines" l ON l."invoice_id" = i."id" GROUP BY i."id", i."number";
CREATE VIEW "open_items" AS SELECT t.*, c."name" FROM "invoice_totals" t JOIN "invoices" i ON i."id" = t."id" JOIN "customers" c ON c."id" = i."customer_id" WHERE NOT i."paid";
