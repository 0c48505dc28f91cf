-- Until the old workers are gone.
CREATE VIEW "user" AS SELECT "id", "handle", "preferences" FROM "app_user";
