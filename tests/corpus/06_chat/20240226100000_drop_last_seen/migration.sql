-- AlterTable
ALTER TABLE "user" DROP COLUMN "lastSeen";
