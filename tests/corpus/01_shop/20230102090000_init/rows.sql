INSERT INTO "User" ("email", "name") SELECT 'user' || i || '@example.com', CASE WHEN i % 4 > 0 THEN 'User ' || i END FROM generate_series(1, 12) i;
INSERT INTO "Product" ("name", "price", "description") SELECT 'Product ' || i, i * 9.99, CASE WHEN i % 3 > 0 THEN 'About ' || i END FROM generate_series(1, 15) i;
INSERT INTO "Order" ("userId", "status") SELECT 1 + i % 12, (ARRAY['PENDING', 'PAID', 'SHIPPED']::"OrderStatus"[])[1 + i % 3] FROM generate_series(1, 30) i;
INSERT INTO "OrderItem" SELECT o, p, 1 + p % 4 FROM generate_series(1, 30) o, generate_series(1, 15) p WHERE (o + p) % 7 = 0;
