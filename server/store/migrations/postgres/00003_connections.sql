-- +goose Up

-- What platforms granted us, and the single-use codes of connect flows under way. Both are read before the program is
-- known: a merchant who comes back from a platform brings a code or a shop's name.

CREATE TABLE store_credentials (
  store_id           text COLLATE "C" NOT NULL REFERENCES stores (store_id),
  program_id         text COLLATE "C" NOT NULL,
  state              text COLLATE "C" NOT NULL CHECK (state IN ('connected', 'needs_reauth', 'uninstalled')),
  reason             text NOT NULL,
  sealed_credentials bytea, -- NULL: there are none
  scopes             text COLLATE "C" NOT NULL, -- separated by commas
  expires_at         bigint NOT NULL, -- 0: never
  refresh_expires_at bigint NOT NULL, -- 0: never
  connected_at       bigint NOT NULL,
  renewed_at         bigint NOT NULL,
  changed_at         bigint NOT NULL,
  revision           bigint NOT NULL CHECK (revision >= 1),
  lease_until        bigint NOT NULL, -- 0: nobody renews
  lease_owner        text COLLATE "C" NOT NULL,
  CONSTRAINT store_credentials_pkey PRIMARY KEY (store_id),
  CONSTRAINT store_credentials_uninstalled CHECK (state <> 'uninstalled' OR sealed_credentials IS NULL)
);
CREATE INDEX store_credentials_by_program ON store_credentials (program_id, store_id);
CREATE INDEX store_credentials_stale ON store_credentials (renewed_at) WHERE state = 'connected' AND refresh_expires_at > 0;

CREATE TABLE install_states (
  hash           bytea NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the code
  purpose        text COLLATE "C" NOT NULL,
  program_id     text COLLATE "C" NOT NULL, -- '': not known yet
  platform       text COLLATE "C" NOT NULL,
  domain         text COLLATE "C" NOT NULL,
  sealed_payload bytea NOT NULL,
  created_at     bigint NOT NULL,
  expires_at     bigint NOT NULL,
  used_at        bigint NOT NULL, -- 0: not yet
  CONSTRAINT install_states_pkey PRIMARY KEY (hash)
);
CREATE INDEX install_states_by_expiry ON install_states (expires_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['store_credentials', 'install_states'] LOOP
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
  GRANT SELECT, INSERT, UPDATE, DELETE ON store_credentials, install_states TO upline_app;
END $$;
-- +goose StatementEnd
