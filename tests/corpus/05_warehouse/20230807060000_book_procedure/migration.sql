CREATE PROCEDURE "stock"."book"(p_sku text, p_place integer, p_quantity integer) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO stock.movement (sku, place_id, quantity) VALUES (p_sku, p_place, p_quantity);
END
$$;
CREATE FUNCTION "stock"."refuse_overfull"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.quantity > (SELECT capacity FROM stock.place WHERE id = NEW.place_id) THEN
    RAISE EXCEPTION 'place % is too small', NEW.place_id;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER "movement_capacity" BEFORE INSERT ON "stock"."movement" FOR EACH ROW WHEN (NEW.quantity > 0) EXECUTE FUNCTION "stock"."refuse_overfull"();
