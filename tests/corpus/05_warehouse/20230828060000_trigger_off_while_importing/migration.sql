ALTER TABLE "warehouse"."movement" DISABLE TRIGGER "movement_capacity";
ALTER TABLE "warehouse"."item" SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
