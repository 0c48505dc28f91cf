INSERT INTO "Category" ("name", "parentId") VALUES ('Books', NULL), ('Novels', 1), ('Garden', NULL), ('Tools', 3);
INSERT INTO "_CategoryToProduct" SELECT 1 + p % 4, p FROM generate_series(1, 15) p;
