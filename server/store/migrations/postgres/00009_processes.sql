-- +goose Up

-- What many processes on one database agree on.

-- Who does, at the moment, what only one process should do.
CREATE TABLE leases (
  name  text COLLATE "C" NOT NULL,
  owner text COLLATE "C" NOT NULL,
  until bigint NOT NULL,
  CONSTRAINT leases_pkey PRIMARY KEY (name)
);

-- Facts of the installation. schema_floor is the least migration that a program has to know to work on this database:
-- a migration that programs before it do not survive raises it. key_check is sealed with the installation's key.
CREATE TABLE installation (
  name  text COLLATE "C" NOT NULL,
  value text NOT NULL,
  CONSTRAINT installation_pkey PRIMARY KEY (name)
);
INSERT INTO installation (name, value) VALUES ('schema_floor', '9');

-- +goose StatementBegin
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON leases, installation TO upline_app;
  END IF;
END $$;
-- +goose StatementEnd
