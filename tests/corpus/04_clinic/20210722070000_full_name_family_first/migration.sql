-- the expression of a generated column: dropped and added
ALTER TABLE "patient" DROP COLUMN "full_name";
ALTER TABLE "patient" ADD COLUMN "full_name" TEXT GENERATED ALWAYS AS ("family_name" || ', ' || "given_name") STORED;
CREATE INDEX "patient_full_name_idx" ON "patient"("full_name" text_pattern_ops);
