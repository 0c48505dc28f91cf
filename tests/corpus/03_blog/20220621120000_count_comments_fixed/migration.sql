CREATE OR REPLACE FUNCTION "count_comments"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "Post" SET "commentCount" = (SELECT count(*) FROM "Comment" c WHERE c."postId" = "Post"."id")
    WHERE "id" = coalesce(NEW."postId", OLD."postId");
  RETURN NULL;
END
$$;
