-- DropIndex
DROP INDEX "memberships_tenant_id_email_key";

-- AlterTable
ALTER TABLE "memberships" DROP COLUMN "email";

-- CreateIndex
CREATE UNIQUE INDEX "memberships_tenant_id_user_id_key" ON "memberships"("tenant_id", "user_id");
