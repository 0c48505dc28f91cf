CREATE TYPE "AppointmentState" AS ENUM ('booked', 'arrived', 'done', 'missed');
ALTER TABLE "appointment" ALTER COLUMN "state" DROP DEFAULT,
  ALTER COLUMN "state" TYPE "AppointmentState" USING "state"::"AppointmentState",
  ALTER COLUMN "state" SET DEFAULT 'booked';
