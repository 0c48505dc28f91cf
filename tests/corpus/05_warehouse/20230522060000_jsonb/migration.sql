ALTER TABLE "stock"."item" ALTER COLUMN "attributes" TYPE JSONB;
