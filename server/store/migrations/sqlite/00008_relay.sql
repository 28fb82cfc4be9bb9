-- +goose Up

-- How far each reader of the outbox is, and who reads for it at the moment.

CREATE TABLE relay_positions (
  program_id  TEXT    NOT NULL,
  reader      TEXT    NOT NULL,
  sequence    INTEGER NOT NULL DEFAULT 0, -- everything up to it is with the reader
  lease_owner TEXT    NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT relay_positions_pkey PRIMARY KEY (program_id, reader)
) STRICT, WITHOUT ROWID;
