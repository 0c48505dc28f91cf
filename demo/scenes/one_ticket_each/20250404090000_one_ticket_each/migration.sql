-- CreateIndex
CREATE UNIQUE INDEX "Ticket_customerId_key" ON "Ticket"("customerId");
