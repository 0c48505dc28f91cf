ALTER TABLE "appointment" ADD CONSTRAINT "appointment_no_overlap" EXCLUDE USING gist ("doctor_id" WITH =, tsrange("starts_at", "ends_at") WITH &&);
