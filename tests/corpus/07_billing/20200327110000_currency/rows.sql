INSERT INTO "exchange_rates" VALUES ('USD', '2020-03-27', 1.0977), ('EUR', '2020-03-27', 1);
