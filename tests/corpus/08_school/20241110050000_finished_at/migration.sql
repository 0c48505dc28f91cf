-- AlterTable
ALTER TABLE "Enrollment" ADD COLUMN "finishedAt" TIMESTAMP(3);
UPDATE "Enrollment" SET "finishedAt" = '2024-11-10' WHERE "finished";
