-- Capture forms that came from the central endpoint, derived from the base like the lists; can be rebuilt from it.
CREATE TABLE form (
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    source  TEXT NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;
CREATE INDEX form_by_stage ON form (stage, version);

-- In which opening of the store a draft was last changed: what is found from another one is kept before it is changed.
ALTER TABLE draft ADD COLUMN session TEXT NOT NULL DEFAULT '';

-- Earlier states of a draft, whole. They go with it: once it is a follow-up, that is the copy.
CREATE TABLE draft_version (
    draft_id TEXT NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    saved_at TEXT NOT NULL,
    kept_at  TEXT NOT NULL,
    reason   TEXT NOT NULL CHECK (reason IN ('typing', 'session', 'cleared', 'file', 'restored')),
    typed    TEXT NOT NULL,
    files    TEXT NOT NULL,
    PRIMARY KEY (draft_id, number)
) STRICT;
