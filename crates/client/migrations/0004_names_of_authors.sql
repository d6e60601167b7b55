-- Names of the authors of conflicts, by operation, as the central endpoint gave them to a person who may see names. In
-- no stream and in no base record: taken away when the person may no longer see them.
CREATE TABLE author_name (
    op_id TEXT PRIMARY KEY,
    name  TEXT NOT NULL
) STRICT;

-- Choices by the follow-up they are about, newest last.
CREATE INDEX outbox_by_kind ON outbox (kind, record_id);
