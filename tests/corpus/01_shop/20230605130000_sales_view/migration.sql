CREATE VIEW "sales_by_product" AS
  SELECT p."id", p."name", sum(i."quantity") AS "sold", sum(i."quantity" * i."unit_price") AS "revenue"
  FROM "Product" p JOIN "order_items" i ON i."product_id" = p."id" GROUP BY p."id", p."name";
COMMENT ON VIEW "sales_by_product" IS 'for the dashboard';
GRANT SELECT ON "sales_by_product" TO app_reader;
