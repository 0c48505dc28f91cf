INSERT INTO "attachment" ("messageId", "url", "bytes", "meta") SELECT "id", 'https://files.test/' || "id", "id" * 1000, '{"kind": "image"}' FROM "message" WHERE "id" % 6 = 0;
