-- Nobody calls any more. (The application that is running still reads the column.)
ALTER TABLE "Customer" DROP COLUMN "phone";
