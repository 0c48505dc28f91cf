ALTER TABLE "appointment" DROP CONSTRAINT "appointment_room_fkey";
ALTER TABLE "room" ALTER COLUMN "number" TYPE INTEGER, DROP CONSTRAINT "room_floor_check";
ALTER TABLE "appointment" ALTER COLUMN "room" TYPE INTEGER;
ALTER TABLE "appointment" ADD CONSTRAINT "appointment_room_fkey" FOREIGN KEY ("room") REFERENCES "room" ("number") ON UPDATE CASCADE;
