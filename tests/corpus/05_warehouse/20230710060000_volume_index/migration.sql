CREATE INDEX "item_volume" ON "stock"."item" ("stock"."volume"("size"));
CREATE INDEX "item_barcodes" ON "stock"."item" USING GIN ("barcodes");
