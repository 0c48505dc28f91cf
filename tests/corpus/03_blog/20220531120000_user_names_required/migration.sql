-- Who has no name is called by the beginning of the address.
UPDATE "User" SET "name" = split_part("email", '@', 1) WHERE "name" IS NULL;
-- AlterTable
ALTER TABLE "User" ALTER COLUMN "name" SET NOT NULL;
