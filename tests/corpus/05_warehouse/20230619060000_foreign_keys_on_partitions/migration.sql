ALTER TABLE "stock"."movement" ADD CONSTRAINT "movement_sku_fkey" FOREIGN KEY ("sku") REFERENCES "stock"."item" ("sku") ON UPDATE CASCADE;
ALTER TABLE "stock"."movement" ADD CONSTRAINT "movement_place_fkey" FOREIGN KEY ("place_id") REFERENCES "stock"."place" ("id");
ALTER TABLE "stock"."movement" ADD CONSTRAINT "movement_quantity_check" CHECK ("quantity" <> 0);
