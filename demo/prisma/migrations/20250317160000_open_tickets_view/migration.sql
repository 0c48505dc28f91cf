CREATE VIEW "OpenTickets" AS
SELECT t."id", t."reference", t."subject", t."priority", c."name" AS "customer", a."name" AS "agent",
       t."createdAt" + s."firstReply" AS "replyDue"
  FROM "Ticket" t
  JOIN "Customer" c ON c."id" = t."customerId"
  JOIN "SlaPolicy" s ON s."priority" = t."priority"
  LEFT JOIN "Agent" a ON a."id" = t."agentId"
 WHERE t."status" IN ('OPEN', 'PENDING');

COMMENT ON VIEW "OpenTickets" IS 'What the agents'' start page shows';

-- AlterTable
ALTER TABLE "Customer" ADD COLUMN "phone" TEXT;
