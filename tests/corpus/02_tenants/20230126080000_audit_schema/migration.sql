CREATE SCHEMA IF NOT EXISTS "audit";
CREATE TABLE "audit"."events" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY,
    "tenant_id" UUID NOT NULL,
    "table_name" TEXT NOT NULL,
    "payload" JSONB,
    "at" TIMESTAMPTZ NOT NULL DEFAULT now(),

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);
CREATE FUNCTION "audit"."note"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO audit.events (tenant_id, table_name, payload) VALUES (NEW.tenant_id, TG_TABLE_NAME, to_jsonb(NEW));
  RETURN NEW;
END
$$;
CREATE TRIGGER projects_audit AFTER INSERT OR UPDATE ON "projects" FOR EACH ROW EXECUTE FUNCTION "audit"."note"();
