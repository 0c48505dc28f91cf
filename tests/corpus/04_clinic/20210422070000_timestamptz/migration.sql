ALTER TABLE "appointment" DROP CONSTRAINT "appointment_no_overlap";
ALTER TABLE "appointment" ALTER COLUMN "starts_at" SET DATA TYPE TIMESTAMPTZ(3) USING "starts_at" AT TIME ZONE 'UTC',
  ALTER COLUMN "ends_at" SET DATA TYPE TIMESTAMPTZ(3) USING "ends_at" AT TIME ZONE 'UTC';
ALTER TABLE "appointment" ADD CONSTRAINT "appointment_no_overlap" EXCLUDE USING gist ("doctor_id" WITH =, tstzrange("starts_at", "ends_at") WITH &&);
