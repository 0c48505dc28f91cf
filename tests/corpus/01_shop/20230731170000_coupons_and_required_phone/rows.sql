INSERT INTO "Coupon" VALUES ('SPRING', 'PERCENT', 10, NULL, '{new,web}'), ('FIVE', 'AMOUNT', 5, '2030-01-01', DEFAULT);
UPDATE "Order" SET "couponId" = 'SPRING' WHERE "id" % 3 = 0;
