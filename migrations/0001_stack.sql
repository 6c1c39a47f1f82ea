-- Credential sets, the stacks that refer to them, and the log of everything that happened to them.
-- Times are whole seconds since 1970-01-01T00:00:00Z. No column ever holds a secret.

-- What was chosen once for this database, such as the secret store. Values are JSON.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each credential set, kept for ever: the log and the lineage refer to it after its secret is gone.
-- AUTOINCREMENT because an id shown to a person (c7) must never mean anything else later, not even when a row that
-- was never more than pending is removed.
CREATE TABLE credential (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The name of the item in the secret store: a time-ordered UUID, so that a deleted and recreated database can
    -- never read another one's secret.
    item          TEXT    NOT NULL UNIQUE,
    -- Random; it stands in the item too and tells a swapped or stale item without deriving anything from the secret.
    nonce         TEXT    NOT NULL,
    -- pending: the secret may be in the store; active: it is; leaving: it is being erased; erased: it is gone.
    state         TEXT    NOT NULL CHECK (state IN ('pending', 'active', 'leaving', 'erased')),
    -- 1: keeps its secret although it is on no stack, until it is forgotten.
    held          INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    kind          TEXT    NOT NULL,
    access_key_id TEXT    NOT NULL,
    -- 1: it has a session token. 0: long-term keys, which do not expire.
    temporary     INTEGER NOT NULL CHECK (temporary IN (0, 1)),
    account       TEXT,
    arn           TEXT,
    user_id       TEXT,
    region        TEXT,
    issued_at     INTEGER NOT NULL,
    -- NULL: long-term keys, or temporary ones whose expiry nobody told.
    expires_at    INTEGER,
    -- The credential set that signed the STS call. Being a parent keeps no secret alive.
    parent        INTEGER REFERENCES credential (id),
    -- JSON: the ambient reference that signed, where the signer is on no stack.
    signed_by     TEXT,
    -- JSON: everything needed to ask for it again; NULL where nothing was asked.
    request       TEXT,
    label         TEXT,
    note          TEXT,
    -- JSON: what else the log is to say of its acquisition, such as the request id. It is here so that a push that was
    -- cut off can still be told.
    detail        TEXT    NOT NULL DEFAULT '{}'
) STRICT;

-- Recovery looks for what a killed process left; nearly always there is nothing.
CREATE INDEX credential_unsettled ON credential (state) WHERE state IN ('pending', 'leaving');
CREATE INDEX credential_held ON credential (held) WHERE held = 1;
CREATE INDEX credential_access_key_id ON credential (access_key_id);

CREATE TABLE stack (
    name       TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE frame (
    stack      TEXT    NOT NULL REFERENCES stack (name) ON DELETE CASCADE,
    -- 0 is the root; the greatest height is the current frame.
    height     INTEGER NOT NULL CHECK (height >= 0),
    credential INTEGER REFERENCES credential (id),
    -- JSON: the ambient reference, where the frame holds no credential set.
    ambient    TEXT,
    PRIMARY KEY (stack, height),
    CHECK ((credential IS NULL) <> (ambient IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX frame_credential ON frame (credential) WHERE credential IS NOT NULL;

-- Append-only. Each hash covers the row and the hash before it; docs/model.md has the encoding.
CREATE TABLE event (
    sequence      INTEGER PRIMARY KEY CHECK (sequence > 0),
    at            INTEGER NOT NULL,
    event         TEXT    NOT NULL,
    stack         TEXT,
    credential    INTEGER,
    parent        INTEGER,
    access_key_id TEXT,
    account       TEXT,
    arn           TEXT,
    detail        TEXT    NOT NULL,
    hash          BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX event_credential ON event (credential) WHERE credential IS NOT NULL;

CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event BEGIN
    SELECT RAISE(ABORT, 'the log only grows');
END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN
    SELECT RAISE(ABORT, 'the log only grows');
END;
