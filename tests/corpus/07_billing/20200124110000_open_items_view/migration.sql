CREATE VIEW "open_items" AS SELECT t.*, c."name" FROM "invoice_totals" t JOIN "invoices" i ON i."id" = t."id" JOIN "customers" c ON c."id" = i."customer_id" WHERE NOT i."paid";
