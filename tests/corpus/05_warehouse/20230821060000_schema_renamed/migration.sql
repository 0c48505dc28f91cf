ALTER SCHEMA "stock" RENAME TO "warehouse";
CREATE OR REPLACE FUNCTION "warehouse"."refuse_overfull"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.quantity > (SELECT capacity FROM warehouse.place WHERE id = NEW.place_id) THEN
    RAISE EXCEPTION 'place % is too small', NEW.place_id;
  END IF;
  RETURN NEW;
END
$$;
