ALTER TYPE "currency" RENAME VALUE 'USD' TO 'US_DOLLAR';
ALTER TYPE "currency" RENAME TO "currency_code";
