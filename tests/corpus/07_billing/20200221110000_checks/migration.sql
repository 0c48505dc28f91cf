ALTER TABLE "invoices" ADD CONSTRAINT "due_after_issue" CHECK ("due" IS NULL OR "due" >= "issued");
ALTER TABLE "invoice_lines" ADD CONSTRAINT "quantity_positive" CHECK ("quantity" > 0), ADD CONSTRAINT "price_sane" CHECK ("price" BETWEEN -1000000 AND 1000000);
CREATE INDEX "invoice_lines_invoice_id" ON "invoice_lines" ("invoice_id");
