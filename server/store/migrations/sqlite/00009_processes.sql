-- +goose Up

-- What many processes on one database agree on.

-- Who does, at the moment, what only one process should do.
CREATE TABLE leases (
  name  TEXT    NOT NULL,
  owner TEXT    NOT NULL,
  until INTEGER NOT NULL,
  CONSTRAINT leases_pkey PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;

-- Facts of the installation. schema_floor is the least migration that a program has to know to work on this database:
-- a migration that programs before it do not survive raises it. key_check is sealed with the installation's key.
CREATE TABLE installation (
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  CONSTRAINT installation_pkey PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
INSERT INTO installation (name, value) VALUES ('schema_floor', '9');
