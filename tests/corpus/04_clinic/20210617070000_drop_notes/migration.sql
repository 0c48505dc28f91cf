-- AlterTable
ALTER TABLE "patient" DROP COLUMN "notes";
