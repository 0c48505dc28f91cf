-- Written by hand: Prisma would drop the column and make another one.
ALTER TABLE "User" RENAME COLUMN "name" TO "fullName";
