ALTER DOMAIN "email_address" ADD CONSTRAINT "email_address_length" CHECK (length(VALUE) <= 320);
