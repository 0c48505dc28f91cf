-- The reference that customers quote on the telephone: HD-1000, HD-1001, …
CREATE SEQUENCE "ticket_reference_seq" START WITH 1000;

-- AlterTable
ALTER TABLE "Ticket" ADD COLUMN "reference" TEXT NOT NULL DEFAULT 'HD-' || nextval('ticket_reference_seq');

ALTER SEQUENCE "ticket_reference_seq" OWNED BY "Ticket"."reference";

-- CreateIndex
CREATE UNIQUE INDEX "Ticket_reference_key" ON "Ticket"("reference");
