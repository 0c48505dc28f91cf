ALTER TABLE "projects" ADD COLUMN "search" TSVECTOR GENERATED ALWAYS AS (to_tsvector('simple', "name")) STORED;
CREATE INDEX "projects_search_idx" ON "projects" USING GIN ("search");
