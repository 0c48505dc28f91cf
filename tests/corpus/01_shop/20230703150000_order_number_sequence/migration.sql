CREATE SEQUENCE "order_number_seq" START WITH 1000;
ALTER TABLE "Order" ADD COLUMN "number" BIGINT NOT NULL DEFAULT nextval('order_number_seq');
ALTER SEQUENCE "order_number_seq" OWNED BY "Order"."number";
CREATE UNIQUE INDEX "Order_number_key" ON "Order"("number");
