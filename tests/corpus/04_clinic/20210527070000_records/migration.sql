CREATE TABLE "record" (
    "id" BIGSERIAL,
    "patient_id" UUID NOT NULL REFERENCES "patient" ON DELETE CASCADE,
    "kind" TEXT NOT NULL,
    "body" BYTEA NOT NULL,
    "written_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY ("id")
);
CREATE INDEX ON "record" ("patient_id");
CREATE INDEX ON "record" USING BRIN ("written_at");
COMMENT ON COLUMN "record"."body" IS 'encrypted by the application';
ALTER TABLE "record" ALTER COLUMN "body" SET STORAGE EXTERNAL;
