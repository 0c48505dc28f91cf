CREATE INDEX CONCURRENTLY "message_senderId_idx" ON "message"("senderId");
