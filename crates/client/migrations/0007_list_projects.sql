-- The list of projects, made again from the base when the store is opened: it is derived, so nothing is lost. `search`
-- is what the text index holds of the project; `facts` is what alerts need of it, blank when it must be read again;
-- `light` and `urgency` are what they said on the day `lit_on`.
DROP TABLE project;
CREATE TABLE project (
    id        INTEGER PRIMARY KEY,
    record_id TEXT NOT NULL UNIQUE,
    folio     TEXT NOT NULL UNIQUE,
    card      TEXT NOT NULL,
    search    TEXT NOT NULL,
    facts     TEXT NOT NULL DEFAULT '',
    stage     TEXT NOT NULL DEFAULT '',
    light     TEXT NOT NULL DEFAULT '',
    urgency   INTEGER NOT NULL DEFAULT 0,
    lit_on    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX project_by_day ON project (lit_on);
CREATE INDEX project_by_light ON project (light, urgency);

CREATE TABLE project_area (
    area    TEXT NOT NULL,
    project INTEGER NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    PRIMARY KEY (area, project)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_area_by_project ON project_area (project);

-- Words by their beginnings. The text is folded before it comes here: accents do not count, whatever the tokenizer. What
-- is taken out is overwritten: another área's words do not stay in it.
CREATE VIRTUAL TABLE project_text USING fts5 (
    search, content = 'project', content_rowid = 'id', columnsize = 0, detail = none, prefix = '1 2 3',
    tokenize = 'unicode61 remove_diacritics 0'
);
INSERT INTO project_text (project_text, rank) VALUES ('secure-delete', 1);

-- Projects that became another área's, until the person has read it.
CREATE TABLE departure (
    folio   TEXT PRIMARY KEY,
    title   TEXT NOT NULL,
    left_at TEXT NOT NULL
) STRICT;

-- When the endpoint's clock was first read with the draft in the tray of discarded ones: its 30 days are counted from
-- there, because this equipment's own clock may say anything.
ALTER TABLE draft ADD COLUMN discard_counted_from TEXT;
