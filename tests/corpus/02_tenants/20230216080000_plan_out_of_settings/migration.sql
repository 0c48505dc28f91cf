ALTER TABLE "tenants" ADD COLUMN "plan" TEXT;
UPDATE "tenants" SET "plan" = "settings"->>'plan';
ALTER TABLE "tenants" ALTER COLUMN "plan" SET NOT NULL, ALTER COLUMN "plan" SET DEFAULT 'free';
CREATE INDEX "tenants_settings_idx" ON "tenants" USING GIN ("settings" jsonb_path_ops);
