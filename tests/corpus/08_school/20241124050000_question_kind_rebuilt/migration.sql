/*
  Warnings:

  - The values [TEXT] on the enum `QuestionKind` will be removed. If these variants are still used in the database, this will fail.

*/
UPDATE "Question" SET "kind" = 'CHOICE' WHERE "kind" = 'TEXT';
-- AlterEnum
BEGIN;
CREATE TYPE "QuestionKind_new" AS ENUM ('CHOICE', 'ORDER');
ALTER TABLE "Question" ALTER COLUMN "kind" DROP DEFAULT;
ALTER TABLE "Question" ALTER COLUMN "kind" TYPE "QuestionKind_new" USING ("kind"::text::"QuestionKind_new");
ALTER TYPE "QuestionKind" RENAME TO "QuestionKind_old";
ALTER TYPE "QuestionKind_new" RENAME TO "QuestionKind";
DROP TYPE "QuestionKind_old";
ALTER TABLE "Question" ALTER COLUMN "kind" SET DEFAULT 'CHOICE';
COMMIT;
