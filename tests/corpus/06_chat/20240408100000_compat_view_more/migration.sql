CREATE OR REPLACE VIEW "user" AS SELECT "id", "handle", "preferences", ("id" IN (SELECT "userId" FROM "presence")) AS "online" FROM "app_user";
