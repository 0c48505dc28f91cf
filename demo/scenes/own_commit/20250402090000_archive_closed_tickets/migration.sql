-- CreateTable
CREATE TABLE "TicketArchive" (LIKE "Ticket" INCLUDING DEFAULTS);

-- "So that the table is not locked for long": from here on nothing takes the first half back.
BEGIN;
INSERT INTO "TicketArchive" SELECT * FROM "Ticket" WHERE "status" = 'CLOSED' AND "createdAt" < '2024-06-01';
DELETE FROM "Ticket" WHERE "status" = 'CLOSED' AND "createdAt" < '2024-06-01';
COMMIT;

-- Fails: nobody added the column "archivedAt". The tickets above and their comments are gone by now.
CREATE INDEX "TicketArchive_archivedAt_idx" ON "TicketArchive"("archivedAt");
