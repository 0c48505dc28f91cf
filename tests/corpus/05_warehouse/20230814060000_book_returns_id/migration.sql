-- Another result type needs another function.
DROP PROCEDURE "stock"."book"(text, integer, integer);
CREATE FUNCTION "stock"."book"(p_sku text, p_place integer, p_quantity integer, p_at timestamptz DEFAULT now()) RETURNS bigint LANGUAGE sql AS $$
  INSERT INTO stock.movement (sku, place_id, quantity, at) VALUES (p_sku, p_place, p_quantity, p_at) RETURNING id
$$;
COMMENT ON FUNCTION "stock"."book"(text, integer, integer, timestamptz) IS 'the only way in';
