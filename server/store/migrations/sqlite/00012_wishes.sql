-- +goose Up

-- Orders to read anew although nothing is wrong with them: something happened around them, such as a dispute. A row goes once its
-- order was read.
CREATE TABLE order_wishes (
  program_id        TEXT    NOT NULL,
  source            TEXT    NOT NULL, -- store_id/platform_order_id
  store_id          TEXT    NOT NULL,
  platform_order_id TEXT    NOT NULL,
  because           TEXT    NOT NULL, -- a sentence for people; it names nobody
  wished_at         INTEGER NOT NULL,
  attempt           INTEGER NOT NULL, -- readings that failed since
  due_at            INTEGER NOT NULL,
  CONSTRAINT order_wishes_pkey PRIMARY KEY (program_id, source)
) STRICT, WITHOUT ROWID;
