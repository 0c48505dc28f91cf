INSERT INTO "presence" ("userId") SELECT "id" FROM "user" WHERE "id" < 5;
