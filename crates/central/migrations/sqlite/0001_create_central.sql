-- Everything the central endpoint knows. `municipality_id` leads every key: nothing crosses a municipality, and the
-- same schema serves one municipality per database or many. No sequences, triggers or vendor functions.
-- Times are RFC 3339 UTC with milliseconds, so that text order is time order.

CREATE TABLE meta (
    municipality_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (municipality_id, key)
) STRICT;

CREATE TABLE area (
    municipality_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (municipality_id, id)
) STRICT;

CREATE TABLE person (
    municipality_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    area_id TEXT NOT NULL,
    trained INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    PRIMARY KEY (municipality_id, id)
) STRICT;

-- Codes are kept hashed: a copy of the database enrols nobody.
CREATE TABLE enrolment (
    municipality_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    person_id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT,
    device_id TEXT,
    PRIMARY KEY (municipality_id, code_hash)
) STRICT;

CREATE TABLE device (
    municipality_id TEXT NOT NULL,
    id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key TEXT NOT NULL,
    app_version TEXT NOT NULL DEFAULT '',
    last_seq INTEGER NOT NULL DEFAULT 0,
    enrolled_at TEXT NOT NULL,
    revoked_at TEXT,
    last_contact TEXT,
    last_receipt TEXT,
    clock_offset_ms INTEGER NOT NULL DEFAULT 0,
    free_bytes INTEGER,
    waiting TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (municipality_id, id)
) STRICT;

CREATE TABLE nonce (
    municipality_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    device_id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (municipality_id, nonce)
) STRICT;

CREATE TABLE access_token (
    municipality_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    device_id TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    PRIMARY KEY (municipality_id, token_hash)
) STRICT;

-- `state` is the full domain::project::ProjectState without its processes' compiled releases.
CREATE TABLE project (
    municipality_id TEXT NOT NULL,
    folio TEXT NOT NULL,
    title TEXT NOT NULL,
    place TEXT,
    areas TEXT NOT NULL,
    progress TEXT,
    base_digest TEXT NOT NULL,
    published_at TEXT,
    PRIMARY KEY (municipality_id, folio)
) STRICT;

CREATE TABLE process (
    municipality_id TEXT NOT NULL,
    ocid TEXT NOT NULL,
    folio TEXT NOT NULL,
    version INTEGER NOT NULL,
    compiled TEXT NOT NULL,
    PRIMARY KEY (municipality_id, ocid)
) STRICT;
CREATE INDEX process_of_project ON process (municipality_id, folio);

CREATE TABLE release (
    municipality_id TEXT NOT NULL,
    ocid TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    date TEXT NOT NULL,
    fragment TEXT NOT NULL,
    body TEXT NOT NULL,
    follow_up_id TEXT,
    published_at TEXT,
    PRIMARY KEY (municipality_id, ocid, sequence),
    UNIQUE (municipality_id, ocid, id)
) STRICT;

CREATE TABLE follow_up (
    municipality_id TEXT NOT NULL,
    id TEXT NOT NULL,
    op_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    area_id TEXT NOT NULL,
    project TEXT NOT NULL,
    ocid TEXT NOT NULL,
    folio TEXT NOT NULL,
    state TEXT NOT NULL,
    held TEXT,
    body TEXT NOT NULL,
    base TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    decided_at TEXT,
    findings TEXT NOT NULL,
    overlaps TEXT NOT NULL DEFAULT '[]',
    release_id TEXT,
    PRIMARY KEY (municipality_id, id),
    UNIQUE (municipality_id, op_id),
    UNIQUE (municipality_id, folio)
) STRICT;
CREATE INDEX follow_up_of_project ON follow_up (municipality_id, project, recorded_at);
CREATE INDEX follow_up_by_state ON follow_up (municipality_id, state);

CREATE TABLE operation (
    municipality_id TEXT NOT NULL,
    op_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    client_seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    answer TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (municipality_id, op_id),
    UNIQUE (municipality_id, device_id, client_seq)
) STRICT;

-- The counter row of each stream, taken last in a transaction: it orders, a database sequence would not.
CREATE TABLE stream_head (
    municipality_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    chain TEXT NOT NULL,
    PRIMARY KEY (municipality_id, stream)
) STRICT;

CREATE TABLE stream_log (
    municipality_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    record_id TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    salt TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (municipality_id, stream, seq)
) STRICT;

CREATE TABLE evidence (
    municipality_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    verified_at TEXT,
    PRIMARY KEY (municipality_id, sha256)
) STRICT;

-- Which follow-up waits for which file: what a device may offer, and what publication waits for.
CREATE TABLE evidence_need (
    municipality_id TEXT NOT NULL,
    follow_up_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (municipality_id, follow_up_id, position)
) STRICT;
CREATE INDEX evidence_need_by_file ON evidence_need (municipality_id, sha256);

CREATE TABLE job (
    municipality_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    queued_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    PRIMARY KEY (municipality_id, kind, key)
) STRICT;

CREATE TABLE run (
    municipality_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    finished_at TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (municipality_id, n)
) STRICT;

-- What the catalogue names. Rows follow the switch of the catalogue, never precede it.
CREATE TABLE published_file (
    municipality_id TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    ocid TEXT NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    changed TEXT NOT NULL,
    PRIMARY KEY (municipality_id, path)
) STRICT;
CREATE INDEX published_file_of_process ON published_file (municipality_id, ocid, kind);
