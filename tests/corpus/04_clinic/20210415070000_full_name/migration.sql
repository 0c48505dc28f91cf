ALTER TABLE "patient" ADD COLUMN "full_name" TEXT GENERATED ALWAYS AS ("given_name" || ' ' || "family_name") STORED;
CREATE INDEX "patient_full_name_idx" ON "patient"("full_name" text_pattern_ops);
