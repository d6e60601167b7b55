-- What people say of the program, and what was decided about it. Internal: nothing that publishes reads these tables.
CREATE TABLE opinion (
    municipality_id TEXT NOT NULL,
    id TEXT NOT NULL,
    op_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    person_id TEXT NOT NULL,
    area_id TEXT NOT NULL,
    folio TEXT NOT NULL,
    app_version TEXT NOT NULL,
    body TEXT NOT NULL,
    captured_at TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    PRIMARY KEY (municipality_id, id),
    UNIQUE (municipality_id, op_id),
    UNIQUE (municipality_id, folio)
) STRICT;
CREATE INDEX opinion_by_time ON opinion (municipality_id, recorded_at);

-- One row for each decision, in order; never changed. `person_id` is who decided, where it is known: its author is told
-- the role and the área alone, which are in `step`.
CREATE TABLE opinion_step (
    municipality_id TEXT NOT NULL,
    opinion_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    person_id TEXT,
    step TEXT NOT NULL,
    PRIMARY KEY (municipality_id, opinion_id, n)
) STRICT;
