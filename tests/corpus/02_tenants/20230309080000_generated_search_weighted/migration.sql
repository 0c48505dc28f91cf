-- An expression cannot be changed in place before PostgreSQL 17.
DROP INDEX "projects_search_idx";
ALTER TABLE "projects" DROP COLUMN "search";
ALTER TABLE "projects" ADD COLUMN "search" TSVECTOR GENERATED ALWAYS AS (setweight(to_tsvector('english', "name"), 'A')) STORED;
CREATE INDEX "projects_search_idx" ON "projects" USING GIN ("search");
