UPDATE "stock"."item" SET "size" = ROW(1.5, 2, 3)::"stock"."dimensions", "barcodes" = ARRAY['4' || "sku", '5' || "sku"] WHERE "weight_grams" > 50;
