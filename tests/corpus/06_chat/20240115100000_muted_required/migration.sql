UPDATE "membership" SET "muted" = false WHERE "muted" IS NULL;
-- AlterTable
ALTER TABLE "membership" ALTER COLUMN "muted" SET NOT NULL,
ALTER COLUMN "muted" SET DEFAULT false;
