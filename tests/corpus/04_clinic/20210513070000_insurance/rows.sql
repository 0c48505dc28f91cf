UPDATE "patient" SET "insured_with" = ROW('AOK', 'N' || "phone")::"insurance" WHERE "sex" = 'F';
