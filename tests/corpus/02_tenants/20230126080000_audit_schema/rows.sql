UPDATE "projects" SET "budget" = coalesce("budget", 0) + 1 WHERE NOT "archived";
