ALTER TABLE "stock"."item" ADD CONSTRAINT "item_weight_check" CHECK ("weight_grams" > 0), ALTER COLUMN "title" TYPE TEXT;
ALTER TABLE "stock"."item" RENAME COLUMN "weight_grams" TO "weight";
COMMENT ON COLUMN "stock"."item"."weight" IS 'grams';
