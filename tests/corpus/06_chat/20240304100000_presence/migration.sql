-- CreateTable
CREATE UNLOGGED TABLE "presence" (
    "userId" BIGINT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL DEFAULT now(),

    CONSTRAINT "presence_pkey" PRIMARY KEY ("userId")
);
ALTER TABLE "presence" ADD CONSTRAINT "presence_userId_fkey" FOREIGN KEY ("userId") REFERENCES "user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
