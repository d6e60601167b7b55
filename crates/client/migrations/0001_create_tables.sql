-- What the device knows of itself: identity, keys, cursor. Values are JSON.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Layer 1, base: exactly what the central endpoint sent. A generation is a whole copy: after a broken chain or a
-- restored server a fresh one is pulled beside the one in use, and takes its place only when it is complete.
CREATE TABLE stream_head (
    generation INTEGER NOT NULL,
    stream     TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    chain      TEXT NOT NULL,
    PRIMARY KEY (generation, stream)
) STRICT;

CREATE TABLE base_record (
    generation  INTEGER NOT NULL,
    stream      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    record_id   TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    recorded_at TEXT NOT NULL,
    state       TEXT NOT NULL,
    PRIMARY KEY (generation, stream, kind, record_id),
    FOREIGN KEY (generation, stream) REFERENCES stream_head (generation, stream) ON DELETE CASCADE
) STRICT;
CREATE INDEX base_record_by_id ON base_record (generation, record_id, kind);

-- Derived from the base in use; can be rebuilt from it at any time.
CREATE TABLE project (
    record_id TEXT PRIMARY KEY,
    folio     TEXT NOT NULL UNIQUE,
    card      TEXT NOT NULL,
    search    TEXT NOT NULL
) STRICT;

CREATE TABLE central_follow_up (
    id      TEXT PRIMARY KEY,
    op_id   TEXT NOT NULL,
    project TEXT NOT NULL,
    ocid    TEXT NOT NULL,
    word    TEXT NOT NULL,
    state   TEXT NOT NULL
) STRICT;
CREATE INDEX central_follow_up_by_op ON central_follow_up (op_id);
CREATE INDEX central_follow_up_by_project ON central_follow_up (project);

-- Files by content. The bytes are in evidence.db and are there before this row is.
CREATE TABLE evidence (
    sha256       TEXT PRIMARY KEY,
    size         INTEGER NOT NULL,
    media_type   TEXT NOT NULL,
    name         TEXT NOT NULL,
    added_at     TEXT NOT NULL,
    confirmed_at TEXT,
    problem      TEXT
) STRICT;

CREATE TABLE draft (
    id           TEXT PRIMARY KEY,
    project      TEXT NOT NULL,
    ocid         TEXT NOT NULL,
    stage        TEXT NOT NULL,
    form         TEXT NOT NULL,
    typed        TEXT NOT NULL,
    content      TEXT NOT NULL,
    missing      INTEGER NOT NULL,
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    discarded_at TEXT
) STRICT;
CREATE INDEX draft_by_project ON draft (project);

CREATE TABLE draft_file (
    draft_id      TEXT NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    sha256        TEXT NOT NULL REFERENCES evidence (sha256),
    document_type TEXT NOT NULL,
    title         TEXT,
    PRIMARY KEY (draft_id, sha256)
) STRICT;

-- Layer 2, outbox: every operation ever made here, in the order of capture. Never deleted: a restored server may ask
-- for it again. `client_seq` is contiguous per device.
CREATE TABLE outbox (
    position    INTEGER PRIMARY KEY,
    op_id       TEXT NOT NULL UNIQUE,
    device_id   TEXT NOT NULL,
    client_seq  INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    record_id   TEXT NOT NULL,
    project     TEXT NOT NULL,
    ocid        TEXT NOT NULL,
    folio       TEXT NOT NULL,
    operation   TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('ready', 'received', 'rejected', 'parked')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    retry_at    TEXT,
    problem     TEXT,
    receipt     TEXT,
    findings    TEXT NOT NULL DEFAULT '[]',
    queued_at   TEXT NOT NULL,
    answered_at TEXT,
    UNIQUE (device_id, client_seq)
) STRICT;
CREATE INDEX outbox_by_state ON outbox (state, client_seq);
CREATE INDEX outbox_by_ocid ON outbox (ocid);
CREATE INDEX outbox_by_project ON outbox (project);
CREATE INDEX outbox_by_record ON outbox (record_id);

CREATE TABLE outbox_file (
    op_id    TEXT NOT NULL REFERENCES outbox (op_id),
    position INTEGER NOT NULL,
    sha256   TEXT NOT NULL REFERENCES evidence (sha256),
    PRIMARY KEY (op_id, position)
) STRICT;
CREATE INDEX outbox_file_by_hash ON outbox_file (sha256);
