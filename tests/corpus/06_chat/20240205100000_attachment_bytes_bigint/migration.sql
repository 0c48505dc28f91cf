-- AlterTable
ALTER TABLE "attachment" ALTER COLUMN "bytes" SET DATA TYPE BIGINT;
