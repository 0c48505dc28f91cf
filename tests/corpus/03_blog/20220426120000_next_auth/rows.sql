INSERT INTO "Account" SELECT 'a' || "id", "id", 'oauth', 'github', md5("id"), NULL, 'token', 1900000000 FROM "User";
INSERT INTO "Session" SELECT 's' || "id", md5("email"), "id", '2031-01-01' FROM "User";
