ALTER TABLE "Course" ADD COLUMN "tagList" TEXT[] NOT NULL DEFAULT '{}';
UPDATE "Course" SET "tagList" = string_to_array("tags", ',') WHERE "tags" IS NOT NULL;
