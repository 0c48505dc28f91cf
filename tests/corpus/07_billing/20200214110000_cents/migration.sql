-- Money in cents.
ALTER TABLE "customers" ALTER COLUMN "balance" TYPE BIGINT USING "balance"::bigint * 100;
COMMENT ON COLUMN "customers"."balance" IS 'cents';
