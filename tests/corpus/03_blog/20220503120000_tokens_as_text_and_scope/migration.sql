-- AlterTable
ALTER TABLE "Account" ADD COLUMN "id_token" TEXT, ADD COLUMN "scope" TEXT, ADD COLUMN "token_type" TEXT,
ALTER COLUMN "expires_at" SET DATA TYPE BIGINT;
