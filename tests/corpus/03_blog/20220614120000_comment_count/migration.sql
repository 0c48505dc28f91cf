ALTER TABLE "Post" ADD COLUMN "commentCount" INTEGER NOT NULL DEFAULT 0;
UPDATE "Post" p SET "commentCount" = (SELECT count(*) FROM "Comment" c WHERE c."postId" = p."id");
CREATE FUNCTION "count_comments"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    UPDATE "Post" SET "commentCount" = "commentCount" + 1 WHERE "id" = NEW."postId";
  ELSE
    UPDATE "Post" SET "commentCount" = "commentCount" - 1 WHERE "id" = OLD."postId";
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER "comment_count" AFTER INSERT OR DELETE ON "Comment" FOR EACH ROW EXECUTE FUNCTION "count_comments"();
