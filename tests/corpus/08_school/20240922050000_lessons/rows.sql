INSERT INTO "Lesson" SELECT c."id" || '_' || i, c."id", 'Lesson ' || i, i, CASE WHEN i % 2 = 0 THEN 'https://v.test/' || i END, i * 60 FROM "Course" c, generate_series(1, 4) i;
