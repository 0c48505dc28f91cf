ALTER TYPE "stock"."dimensions" RENAME ATTRIBUTE "d" TO "depth";
DROP INDEX "stock"."item_volume";
CREATE OR REPLACE FUNCTION "stock"."volume"(d "stock"."dimensions") RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT d.w * d.h * d.depth $$;
CREATE INDEX "item_volume" ON "stock"."item" ("stock"."volume"("size"));
