INSERT INTO "Quiz" ("lessonId") SELECT "id" FROM "Lesson" WHERE "position" = 4;
INSERT INTO "Question" ("quizId", "kind", "body", "points") SELECT "id", CASE WHEN "id" % 2 = 0 THEN 'TEXT' ELSE 'CHOICE' END::"QuestionKind", '{"q": 1}', "id" / 3.0 FROM "Quiz";
