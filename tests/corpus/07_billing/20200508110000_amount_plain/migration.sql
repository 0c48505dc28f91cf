-- Imported invoices have amounts of their own.
ALTER TABLE "invoice_lines" ALTER COLUMN "amount" DROP EXPRESSION;
