INSERT INTO "Teacher" ("id", "name") SELECT 't' || i, 'Teacher ' || i FROM generate_series(1, 3) i;
INSERT INTO "_CourseToTeacher" SELECT "id", 't' || 1 + right("id", 1)::integer % 3 FROM "Course";
