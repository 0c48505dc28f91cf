-- Customers that only wrote their number without VAT id are one.
DELETE FROM "customers" c WHERE c."vat_id" IS NULL AND NOT EXISTS (SELECT FROM "invoices" i WHERE i."customer_id" = c."id");
ALTER TABLE "customers" ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'business' CHECK ("kind" IN ('business', 'private'));
