UPDATE "patient" SET "insured_with"."valid_until" = '2025-12-31' WHERE "insured_with" IS NOT NULL AND "born" > '1960-01-01';
