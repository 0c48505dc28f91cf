-- "user" is a word of SQL.
ALTER TABLE "user" RENAME TO "app_user";
ALTER TABLE "app_user" RENAME CONSTRAINT "user_pkey" TO "app_user_pkey";
ALTER SEQUENCE "user_id_seq" RENAME TO "app_user_id_seq";
ALTER INDEX "user_handle_lower_key" RENAME TO "app_user_handle_lower_key";
