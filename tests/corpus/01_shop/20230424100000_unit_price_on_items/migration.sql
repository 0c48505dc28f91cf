ALTER TABLE "order_items" ADD COLUMN "unit_price" DECIMAL(12,4);
UPDATE "order_items" SET "unit_price" = p."price" FROM "Product" p WHERE p."id" = "product_id";
ALTER TABLE "order_items" ALTER COLUMN "unit_price" SET NOT NULL, ADD CONSTRAINT "order_items_quantity_check" CHECK ("quantity" > 0);
