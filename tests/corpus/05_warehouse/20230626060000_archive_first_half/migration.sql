-- What is old leaves the table, and stays as one of its own.
ALTER TABLE "stock"."movement" DETACH PARTITION "stock"."movement_2023_h1";
