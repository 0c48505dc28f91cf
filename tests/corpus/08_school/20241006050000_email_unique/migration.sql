-- CreateIndex
CREATE UNIQUE INDEX "Student_email_key" ON "Student"("email");
CREATE INDEX "Student_lastName_firstName_idx" ON "Student"("lastName", "firstName");
