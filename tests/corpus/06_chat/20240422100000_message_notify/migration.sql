CREATE FUNCTION "notify_message"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('room_' || NEW."roomId", NEW."id"::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER "message_notify" AFTER INSERT ON "message" FOR EACH ROW EXECUTE FUNCTION "notify_message"();
