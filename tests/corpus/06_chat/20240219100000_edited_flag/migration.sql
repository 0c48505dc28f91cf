-- AlterTable
ALTER TABLE "message" ADD COLUMN "edited" BOOLEAN NOT NULL DEFAULT false;
UPDATE "message" SET "edited" = true WHERE "editedAt" IS NOT NULL;
