-- What people ask the log for, found in milliseconds among a million events.

-- Whom and what an event is about, also where its own columns do not say: a refusal or a failure says in its detail which
-- role was asked for, and has only the one who asked, its parent. These columns are computed where they are read and
-- stand in no row; the hash chain does not know them.
ALTER TABLE event ADD COLUMN of_arn TEXT AS (
    coalesce(arn, CASE WHEN event IN ('refused', 'failed') AND json_valid(detail) THEN detail ->> '$.target' END)
) VIRTUAL;
-- arn:aws:iam::111122223333:…: the account stands behind the empty region.
ALTER TABLE event ADD COLUMN of_account TEXT AS (
    coalesce(account, CASE WHEN of_arn GLOB 'arn:*::[0-9]*' THEN substr(of_arn, instr(of_arn, '::') + 2, 12) END)
) VIRTUAL;
-- The name of the role: of a session, what stands between the slashes; of a role, what stands behind the last one.
ALTER TABLE event ADD COLUMN of_role TEXT AS (
    CASE
        WHEN of_arn GLOB 'arn:*:assumed-role/*/*' THEN
            substr(of_arn, instr(of_arn, ':assumed-role/') + 14,
                   instr(substr(of_arn, instr(of_arn, ':assumed-role/') + 14), '/') - 1)
        WHEN of_arn GLOB 'arn:*:role/*' THEN
            substr(of_arn, length(rtrim(of_arn, replace(of_arn, '/', ''))) + 1)
    END
) VIRTUAL;
ALTER TABLE event ADD COLUMN of_credential INTEGER AS (coalesce(credential, parent)) VIRTUAL;
ALTER TABLE event ADD COLUMN note TEXT AS (CASE WHEN json_valid(detail) THEN detail ->> '$.note' END) VIRTUAL;

-- Each of them also has the sequence, so that the newest are found without sorting.
CREATE INDEX event_at ON event (at);
CREATE INDEX event_kind ON event (event);
CREATE INDEX event_failed ON event (sequence) WHERE event IN ('refused', 'failed');
CREATE INDEX event_stack ON event (stack) WHERE stack IS NOT NULL;
CREATE INDEX event_access_key_id ON event (access_key_id) WHERE access_key_id IS NOT NULL;
CREATE INDEX event_of_arn ON event (of_arn) WHERE of_arn IS NOT NULL;
CREATE INDEX event_of_account ON event (of_account) WHERE of_account IS NOT NULL;
CREATE INDEX event_of_role ON event (of_role) WHERE of_role IS NOT NULL;
CREATE INDEX event_of_credential ON event (of_credential) WHERE of_credential IS NOT NULL;
-- Whoever looks for a text in the notes reads this, and not the events.
CREATE INDEX event_note ON event (sequence, note) WHERE note IS NOT NULL;

-- What AWS still accepts, and what came of a credential set.
CREATE INDEX credential_expires_at ON credential (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX credential_parent ON credential (parent) WHERE parent IS NOT NULL;
CREATE INDEX credential_replaced_by ON credential (replaced_by) WHERE replaced_by IS NOT NULL;
