ALTER TYPE "member_role" ADD VALUE IF NOT EXISTS 'viewer' BEFORE 'member';
