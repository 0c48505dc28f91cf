INSERT INTO "Comment" ("postId", "authorId", "body") SELECT 1 + i % 20, CASE WHEN i % 3 > 0 THEN 'c' || md5((1 + i % 6)::text) END, 'Comment ' || i FROM generate_series(1, 40) i;
