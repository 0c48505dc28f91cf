CREATE TYPE "currency" AS ENUM ('EUR', 'USD');
ALTER TABLE "invoices" ADD COLUMN "currency" "currency" NOT NULL DEFAULT 'EUR';
CREATE TABLE "exchange_rates" (
    "currency" "currency" NOT NULL,
    "day" DATE NOT NULL,
    "rate" NUMERIC(12,6) NOT NULL,
    PRIMARY KEY ("currency", "day")
);
