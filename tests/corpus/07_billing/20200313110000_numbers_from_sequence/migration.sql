CREATE SEQUENCE "invoice_numbers" AS BIGINT START 100 INCREMENT 1 CACHE 1;
CREATE FUNCTION "next_invoice_number"() RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT 'R-' || lpad(nextval('invoice_numbers')::text, 5, '0') $$;
ALTER TABLE "invoices" ALTER COLUMN "number" SET DEFAULT "next_invoice_number"();
