ALTER TABLE "invoices" ADD COLUMN "paid_at" TIMESTAMPTZ;
UPDATE "invoices" SET "paid_at" = "issued" + 14 WHERE "paid";
CREATE OR REPLACE VIEW "open_items" AS SELECT t.*, c."name" FROM "invoice_totals" t JOIN "invoices" i ON i."id" = t."id" JOIN "customers" c ON c."id" = i."customer_id" WHERE i."paid_at" IS NULL;
ALTER TABLE "invoices" DROP COLUMN "paid";
