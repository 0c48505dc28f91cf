DROP INDEX "Tag_name_key";
CREATE UNIQUE INDEX "Tag_name_lower_key" ON "Tag" (lower("name"));
