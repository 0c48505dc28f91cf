ALTER TABLE "projects" ADD COLUMN "deleted_at" TIMESTAMPTZ;
DROP INDEX "projects_tenant_id_idx";
CREATE INDEX "projects_tenant_id_idx" ON "projects"("tenant_id") WHERE "deleted_at" IS NULL;
CREATE VIEW "active_projects" WITH (security_barrier = true) AS SELECT "id", "tenant_id", "name" FROM "projects" WHERE "deleted_at" IS NULL AND NOT "archived";
