ALTER TYPE "insurance" ADD ATTRIBUTE "valid_until" DATE;
