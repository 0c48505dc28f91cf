CREATE SCHEMA "stock";

CREATE TABLE "stock"."item" (
    "sku" VARCHAR(20) PRIMARY KEY,
    "title" VARCHAR(200) NOT NULL,
    "weight_grams" INTEGER,
    "attributes" JSON
);
CREATE TABLE "stock"."place" (
    "id" SERIAL PRIMARY KEY,
    "code" CHAR(6) NOT NULL UNIQUE,
    "capacity" INTEGER NOT NULL DEFAULT 100
);
CREATE TABLE "stock"."movement" (
    "id" BIGSERIAL PRIMARY KEY,
    "sku" VARCHAR(20) NOT NULL REFERENCES "stock"."item",
    "place_id" INTEGER NOT NULL REFERENCES "stock"."place",
    "quantity" INTEGER NOT NULL CHECK ("quantity" <> 0),
    "at" TIMESTAMPTZ NOT NULL DEFAULT now()
);
