-- CreateEnum
CREATE TYPE "member_role" AS ENUM ('owner', 'admin', 'member');

-- AlterTable
ALTER TABLE "members" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "members" ALTER COLUMN "role" TYPE "member_role" USING ("role"::"member_role");
ALTER TABLE "members" ALTER COLUMN "role" SET DEFAULT 'member';
