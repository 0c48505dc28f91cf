-- About 200,000 rows of a help desk, the same ones every time: everything is computed from a row's number.
BEGIN;
-- One row at a time the trigger would write every ticket several times; the tickets below are written as it would leave them.
ALTER TABLE "Comment" DISABLE TRIGGER "Comment_touch_ticket";

INSERT INTO "Team" ("name") SELECT 'Team ' || chr(64 + n) FROM generate_series(1, 8) AS n;

INSERT INTO "Agent" ("teamId", "email", "name", "active")
SELECT 1 + n % 8, 'agent' || n || '@helpdesk.example', 'Agent ' || n, n % 10 <> 0
  FROM generate_series(1, 80) AS n;

INSERT INTO "Customer" ("email", "name", "company", "preferences", "createdAt", "phone")
SELECT 'customer' || n || '@mail.example',
       (ARRAY['Ada', 'Björn', 'Chloë', 'Dmitri', 'Eun-ji', 'Fatıma', 'Gábor'])[1 + n % 7] || ' ' || n,
       CASE WHEN n % 3 = 0 THEN 'Company ' || n / 3 END,
       jsonb_build_object('language', (ARRAY['en', 'de', 'fr', 'tr'])[1 + n % 4], 'newsletter', n % 2 = 0),
       timestamp '2024-01-01' + n * interval '37 minutes',
       CASE WHEN n % 5 <> 0 THEN '+49 30 ' || lpad((n * 7919 % 10000000)::text, 7, '0') END
  FROM generate_series(1, 15000) AS n;

INSERT INTO "Ticket" ("customerId", "agentId", "subject", "status", "createdAt", "updatedAt", "priority")
SELECT 1 + n * 31 % 15000,
       CASE WHEN n % 11 <> 0 THEN 1 + n % 80 END,
       (ARRAY['Cannot log in', 'Invoice is wrong', 'Feature request', 'App is slow', 'Refund'])[1 + n % 5] || ' (' || n || ')',
       (ARRAY['OPEN', 'PENDING', 'SOLVED', 'CLOSED', 'CLOSED', 'CLOSED'])[1 + n % 6]::"TicketStatus",
       timestamp '2024-02-01' + n * interval '11 minutes',
       timestamp '2024-02-01' + n * interval '11 minutes' + n % 4 * interval '3 hours',
       (ARRAY['normal', 'low', 'normal', 'high', 'normal', 'urgent', 'normal'])[1 + n % 7]
  FROM generate_series(1, 45000) AS n;

INSERT INTO "Comment" ("ticketId", "agentId", "body", "internal", "createdAt")
SELECT 1 + n % 45000,
       CASE WHEN n % 2 = 0 THEN 1 + n % 80 END,
       'Comment ' || n || E': thank you for writing.\n' || repeat('We looked into it. ', 1 + n % 4),
       n % 9 = 0,
       timestamp '2024-02-01' + (1 + n % 45000) * interval '11 minutes' + n / 45000 * interval '3 hours'
  FROM generate_series(0, 129999) AS n;

INSERT INTO "Attachment" ("commentId", "fileName", "bytes", "sha256")
SELECT 1 + n * 13 % 130000, 'screenshot-' || n || '.png', 1000 + n * 7919 % 900000, sha256(convert_to('file ' || n, 'UTF8'))
  FROM generate_series(1, 10000) AS n;

ALTER TABLE "Comment" ENABLE TRIGGER "Comment_touch_ticket";
COMMIT;
ANALYZE "Team", "Agent", "Customer", "Ticket", "Comment", "Attachment";
