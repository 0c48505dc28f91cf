UPDATE "appointment" SET "room" = 11 WHERE "doctor_id" = 2;
