-- +goose Up

-- What is kept of a store whose plugin speaks with us, and the ids of signed calls that were taken already.

CREATE TABLE store_channels (
  store_id            text COLLATE "C" NOT NULL REFERENCES stores (store_id),
  program_id          text COLLATE "C" NOT NULL,
  sealed_identity_key bytea  NOT NULL, -- keys the hashes of buyers' e-mail; the same for ever
  link_role           text COLLATE "C" NOT NULL CHECK (link_role IN ('', 'admin', 'finance', 'support', 'viewer')), -- '': links are off
  claimed_at          bigint NOT NULL,
  heartbeat_at        bigint NOT NULL DEFAULT 0, -- 0: never
  heartbeat_json      text   NOT NULL DEFAULT '',
  CONSTRAINT store_channels_pkey PRIMARY KEY (store_id)
);
CREATE INDEX store_channels_by_program ON store_channels (program_id, store_id);

CREATE TABLE channel_nonces (
  program_id text COLLATE "C" NOT NULL,
  store_id   text COLLATE "C" NOT NULL,
  nonce      text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL,
  CONSTRAINT channel_nonces_pkey PRIMARY KEY (store_id, nonce)
);
CREATE INDEX channel_nonces_by_expiry ON channel_nonces (expires_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['store_channels', 'channel_nonces'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY %1$I ON %2$I USING ((SELECT coalesce(current_setting(%3$L, true), %4$L)) = %4$L'
                   ' OR program_id = (SELECT current_setting(%3$L, true)))', t || '_of_program', t, 'upline.program', '');
  END LOOP;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'upline_app') THEN
    RETURN;
  END IF;
  GRANT SELECT, INSERT, UPDATE, DELETE ON store_channels, channel_nonces TO upline_app;
END $$;
-- +goose StatementEnd
