-- all family names are shorter than that today
ALTER TABLE "patient" ADD CONSTRAINT "patient_family_name_length" CHECK (char_length("family_name") <= 100) NOT VALID;
ALTER TABLE "patient" VALIDATE CONSTRAINT "patient_family_name_length";
CREATE STATISTICS "patient_names" (dependencies) ON "family_name", "given_name" FROM "patient";
ALTER TABLE "patient" ALTER COLUMN "family_name" SET STATISTICS 500;
