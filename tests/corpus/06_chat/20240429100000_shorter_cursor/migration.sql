-- The page is found by id, the time is in it.
DROP INDEX "message_roomId_sentAt_idx";
CREATE INDEX "message_roomId_id_idx" ON "message"("roomId", "id" DESC) INCLUDE ("sentAt");
ALTER TABLE "room" ALTER COLUMN "topic" SET DEFAULT 'general';
