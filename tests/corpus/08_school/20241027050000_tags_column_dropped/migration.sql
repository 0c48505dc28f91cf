-- AlterTable
ALTER TABLE "Course" DROP COLUMN "tags";
ALTER TABLE "Course" RENAME COLUMN "tagList" TO "tags";
