CREATE VIEW "invoice_totals" AS
  SELECT i."id", i."number", sum(l."price") AS "total" FROM "invoices" i JOIN "invoice_lines" l ON l."invoice_id" = i."id" GROUP BY i."id", i."number";
