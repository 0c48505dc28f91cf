ALTER TABLE "Enrollment" ADD CONSTRAINT "Enrollment_progress_check" CHECK ("progress" >= 0);
ALTER TABLE "Enrollment" ALTER COLUMN "finished" SET DEFAULT false;
DROP INDEX IF EXISTS "Learner_lastName_firstName_idx";
CREATE INDEX IF NOT EXISTS "Learner_lastName_idx" ON "Learner"("lastName");
