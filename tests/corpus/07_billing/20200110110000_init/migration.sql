CREATE TABLE "customers" (
    "id" SERIAL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL,
    "vat_id" VARCHAR(20),
    "country" CHAR(2) NOT NULL DEFAULT 'DE',
    "balance" INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE "invoices" (
    "id" SERIAL PRIMARY KEY,
    "customer_id" INTEGER NOT NULL REFERENCES "customers" ("id"),
    "number" VARCHAR(30) NOT NULL UNIQUE,
    "issued" DATE NOT NULL DEFAULT CURRENT_DATE,
    "due" DATE,
    "paid" BOOLEAN NOT NULL DEFAULT false
);
CREATE TABLE "invoice_lines" (
    "id" SERIAL PRIMARY KEY,
    "invoice_id" INTEGER NOT NULL REFERENCES "invoices" ("id"),
    "text" TEXT NOT NULL,
    "quantity" REAL NOT NULL DEFAULT 1,
    "price" NUMERIC(10,2) NOT NULL
);
