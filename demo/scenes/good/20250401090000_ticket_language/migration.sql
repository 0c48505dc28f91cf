-- AlterTable
ALTER TABLE "Ticket" ADD COLUMN "language" TEXT;

-- Every ticket has the language of its customer.
UPDATE "Ticket" t
   SET "language" = c."preferences" ->> 'language'
  FROM "Customer" c
 WHERE c."id" = t."customerId";

-- AlterTable
ALTER TABLE "Ticket" ALTER COLUMN "language" SET NOT NULL;

-- CreateIndex
CREATE INDEX "Ticket_language_idx" ON "Ticket"("language");
