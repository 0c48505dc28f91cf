-- handles are compared without case from now on
DROP INDEX "user_handle_key";
CREATE UNIQUE INDEX "user_handle_lower_key" ON "user"(lower("handle"));
ALTER TABLE "user" ADD CONSTRAINT "user_handle_check" CHECK ("handle" ~ '^[a-z0-9_]{2,30}$') NOT VALID;
