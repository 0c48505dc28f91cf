-- CreateTable
CREATE TABLE "SlaPolicy" (
    "id" SERIAL NOT NULL,
    "priority" VARCHAR(10) NOT NULL,
    "firstReply" INTERVAL NOT NULL,
    "resolution" INTERVAL NOT NULL,
    "penalty" DECIMAL(10,2) NOT NULL DEFAULT 0,

    CONSTRAINT "SlaPolicy_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "SlaPolicy_priority_key" ON "SlaPolicy"("priority");

-- AlterTable
ALTER TABLE "Ticket" ADD COLUMN "priority" VARCHAR(10) NOT NULL DEFAULT 'normal';

-- Written by hand: Prisma has no CHECK constraints.
ALTER TABLE "Ticket" ADD CONSTRAINT "Ticket_priority_check" CHECK ("priority" IN ('low', 'normal', 'high', 'urgent'));

INSERT INTO "SlaPolicy" ("priority", "firstReply", "resolution", "penalty") VALUES
    ('low', '2 days', '10 days', 0),
    ('normal', '1 day', '5 days', 0),
    ('high', '4 hours', '2 days', 25),
    ('urgent', '30 minutes', '8 hours', 100);

-- AddForeignKey
ALTER TABLE "Ticket" ADD CONSTRAINT "Ticket_priority_fkey" FOREIGN KEY ("priority") REFERENCES "SlaPolicy"("priority") ON DELETE RESTRICT ON UPDATE CASCADE;
