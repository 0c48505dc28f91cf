-- DropIndex
DROP INDEX "Order_status_idx";
CREATE INDEX "Order_open_idx" ON "Order"("placedAt") WHERE "status" IN ('PENDING', 'PAID');
