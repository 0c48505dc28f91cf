ALTER TABLE "customers" ALTER COLUMN "vat_id" TYPE VARCHAR(40), ALTER COLUMN "country" DROP DEFAULT;
CREATE TABLE "dunning" (
    "invoice_id" INTEGER PRIMARY KEY REFERENCES "invoices" ("id") ON DELETE CASCADE,
    "level" SMALLINT NOT NULL DEFAULT 1 CHECK ("level" BETWEEN 1 AND 3),
    "sent" DATE[] NOT NULL DEFAULT '{}'
);
INSERT INTO "dunning" ("invoice_id") SELECT "id" FROM "open_items";
