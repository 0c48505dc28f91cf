-- One person may be in several tenants.
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "email" TEXT NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
INSERT INTO "users" ("email") SELECT DISTINCT "email" FROM "memberships";
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");
ALTER TABLE "memberships" ADD COLUMN "user_id" UUID;
UPDATE "memberships" m SET "user_id" = u."id" FROM "users" u WHERE u."email" = m."email";
ALTER TABLE "memberships" ALTER COLUMN "user_id" SET NOT NULL;
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
