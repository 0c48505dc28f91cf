-- Lessons get a number for a key; the old one stays as its public name.
ALTER TABLE "Lesson" RENAME COLUMN "id" TO "publicId";
ALTER TABLE "Lesson" ADD COLUMN "id" SERIAL NOT NULL;
ALTER TABLE "Quiz" DROP CONSTRAINT "Quiz_lessonId_fkey";
ALTER TABLE "Lesson" DROP CONSTRAINT "Lesson_pkey", ADD CONSTRAINT "Lesson_pkey" PRIMARY KEY ("id");
CREATE UNIQUE INDEX "Lesson_publicId_key" ON "Lesson"("publicId");
ALTER TABLE "Quiz" ADD CONSTRAINT "Quiz_lessonId_fkey" FOREIGN KEY ("lessonId") REFERENCES "Lesson"("publicId") ON DELETE RESTRICT ON UPDATE CASCADE;
