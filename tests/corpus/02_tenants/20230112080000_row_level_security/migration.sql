ALTER TABLE "projects" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON "projects" USING ("tenant_id" = current_setting('app.tenant', true)::uuid);
CREATE POLICY tenant_isolation ON "members" USING ("tenant_id" = current_setting('app.tenant', true)::uuid);
