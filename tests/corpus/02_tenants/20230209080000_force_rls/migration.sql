ALTER TABLE "projects" FORCE ROW LEVEL SECURITY;
ALTER POLICY tenant_isolation ON "projects" USING ("tenant_id" = current_setting('app.tenant', true)::uuid) WITH CHECK ("tenant_id" = current_setting('app.tenant', true)::uuid);
