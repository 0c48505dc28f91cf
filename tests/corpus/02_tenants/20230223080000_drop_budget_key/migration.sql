UPDATE "tenants" SET "settings" = "settings" - 'plan';
