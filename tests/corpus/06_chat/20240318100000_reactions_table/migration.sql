-- CreateTable
CREATE TABLE "reaction" (
    "messageId" BIGINT NOT NULL,
    "userId" BIGINT NOT NULL,
    "emoji" TEXT NOT NULL DEFAULT '+1',

    CONSTRAINT "reaction_pkey" PRIMARY KEY ("messageId","userId")
);
INSERT INTO "reaction" ("messageId", "userId") SELECT m."id", u."id" FROM "message" m, unnest(m."reactions") AS r(x) JOIN "user" u ON u."id" = r.x;
ALTER TABLE "message" DROP COLUMN "reactions";
ALTER TABLE "reaction" ADD CONSTRAINT "reaction_messageId_fkey" FOREIGN KEY ("messageId") REFERENCES "message"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "reaction" ADD CONSTRAINT "reaction_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
