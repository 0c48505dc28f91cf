CREATE TABLE "room" (
    "number" SMALLINT NOT NULL,
    "floor" SMALLINT NOT NULL DEFAULT 0,
    CONSTRAINT "room_pkey" PRIMARY KEY ("number"),
    CONSTRAINT "room_floor_check" CHECK ("floor" BETWEEN -1 AND 9)
);
INSERT INTO "room" VALUES (1, 0), (2, 0), (11, 1), (12, 1);
ALTER TABLE "appointment" ADD COLUMN "room" SMALLINT REFERENCES "room" ("number") DEFERRABLE INITIALLY DEFERRED;
