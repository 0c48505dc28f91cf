INSERT INTO "User" SELECT 'c' || md5(i::text), 'w' || i || '@blog.test', CASE WHEN i > 2 THEN 'Writer ' || i END, NULL FROM generate_series(1, 6) i;
INSERT INTO "Post" ("title", "content", "published", "authorId", "viewCount") SELECT 'Title ' || i, CASE WHEN i % 4 > 0 THEN repeat('word' || i || ' ', 5) END, i % 2 = 0, 'c' || md5((1 + i % 6)::text), i * 3 FROM generate_series(1, 20) i;
INSERT INTO "Tag" ("name") VALUES ('news'), ('howto'), ('opinion');
INSERT INTO "_PostToTag" SELECT i, 1 + i % 3 FROM generate_series(1, 20) i;
