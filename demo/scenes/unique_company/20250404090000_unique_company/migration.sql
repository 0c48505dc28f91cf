-- CreateIndex
CREATE UNIQUE INDEX "Customer_company_key" ON "Customer"("company");
