-- The role that rowlink reads with: no rights but SELECT, few connections. Run once
-- by a superuser. The password is for the demo on this machine only.
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'rowlink_reader') THEN
    CREATE ROLE rowlink_reader LOGIN PASSWORD 'rowlink' CONNECTION LIMIT 8;
  END IF;
END $$;
GRANT pg_read_all_data TO rowlink_reader;
