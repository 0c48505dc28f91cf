UPDATE "Comment" SET "parentId" = "id" - 20 WHERE "id" > 20;
