INSERT INTO "invitations" ("tenant_id", "email", "role") SELECT "id", 'New@' || "slug", 'admin' FROM "tenants";
