ALTER TABLE "Post" ADD COLUMN "textSearch" TSVECTOR NOT NULL
  GENERATED ALWAYS AS (setweight(to_tsvector('english', coalesce("title", '')), 'A') || setweight(to_tsvector('english', coalesce("content", '')), 'B')) STORED;
CREATE INDEX "Post_textSearch_idx" ON "Post" USING GIN ("textSearch");
