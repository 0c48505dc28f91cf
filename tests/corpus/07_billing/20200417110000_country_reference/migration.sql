CREATE TABLE "countries" (
    "code" CHAR(2) PRIMARY KEY,
    "name" TEXT NOT NULL
);
INSERT INTO "countries" VALUES ('DE', 'Germany'), ('AT', 'Austria'), ('CH', 'Switzerland');
ALTER TABLE "customers" ADD CONSTRAINT "customers_country_fkey" FOREIGN KEY ("country") REFERENCES "countries" ("code");
