CREATE TYPE "insurance" AS ("company" TEXT, "number" TEXT);
ALTER TABLE "patient" ADD COLUMN "insured_with" "insurance";
