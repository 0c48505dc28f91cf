-- @@map and @map: the tables get the names the analysts asked for.
ALTER TABLE "OrderItem" RENAME TO "order_items";
ALTER TABLE "order_items" RENAME COLUMN "orderId" TO "order_id";
ALTER TABLE "order_items" RENAME COLUMN "productId" TO "product_id";
ALTER TABLE "order_items" RENAME CONSTRAINT "OrderItem_pkey" TO "order_items_pkey";
ALTER TABLE "order_items" RENAME CONSTRAINT "OrderItem_orderId_fkey" TO "order_items_order_id_fkey";
ALTER TABLE "order_items" RENAME CONSTRAINT "OrderItem_productId_fkey" TO "order_items_product_id_fkey";
