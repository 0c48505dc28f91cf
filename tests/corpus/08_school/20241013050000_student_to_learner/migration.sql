ALTER TABLE "Student" RENAME TO "Learner";
ALTER TABLE "Learner" RENAME CONSTRAINT "Student_pkey" TO "Learner_pkey";
ALTER INDEX "Student_email_key" RENAME TO "Learner_email_key";
ALTER INDEX "Student_lastName_firstName_idx" RENAME TO "Learner_lastName_firstName_idx";
ALTER TABLE "Enrollment" RENAME COLUMN "studentId" TO "learnerId";
ALTER TABLE "Enrollment" RENAME CONSTRAINT "Enrollment_studentId_fkey" TO "Enrollment_learnerId_fkey";
ALTER INDEX "Enrollment_courseId_studentId_key" RENAME TO "Enrollment_courseId_learnerId_key";
