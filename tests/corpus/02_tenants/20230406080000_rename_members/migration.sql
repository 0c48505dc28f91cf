ALTER TABLE "members" RENAME TO "memberships";
ALTER TABLE "memberships" RENAME CONSTRAINT "members_pkey" TO "memberships_pkey";
ALTER TABLE "memberships" RENAME CONSTRAINT "members_tenant_id_fkey" TO "memberships_tenant_id_fkey";
ALTER INDEX "members_tenant_id_email_key" RENAME TO "memberships_tenant_id_email_key";
ALTER TYPE "member_role" RENAME TO "membership_role";
