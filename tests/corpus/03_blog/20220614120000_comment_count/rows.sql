INSERT INTO "Comment" ("postId", "body") SELECT i, 'late' FROM generate_series(1, 5) i;
