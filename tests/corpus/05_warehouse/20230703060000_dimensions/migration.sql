CREATE TYPE "stock"."dimensions" AS ("w" NUMERIC(8,2), "h" NUMERIC(8,2), "d" NUMERIC(8,2));
ALTER TABLE "stock"."item" ADD COLUMN "size" "stock"."dimensions", ADD COLUMN "barcodes" TEXT[];
CREATE FUNCTION "stock"."volume"(d "stock"."dimensions") RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT d.w * d.h * d.d $$;
