-- A new comment moves its ticket to the top of the list.
CREATE FUNCTION "touch_ticket"() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE "Ticket" SET "updatedAt" = NEW."createdAt" WHERE "id" = NEW."ticketId" AND "updatedAt" < NEW."createdAt";
    RETURN NEW;
END;
$$;

CREATE TRIGGER "Comment_touch_ticket"
    AFTER INSERT ON "Comment"
    FOR EACH ROW EXECUTE FUNCTION "touch_ticket"();
