-- The record of a conflict, which stays beside the follow-up after somebody chose; `overlaps` is no longer written.
ALTER TABLE follow_up ADD COLUMN conflict TEXT;

-- What was in conflict before there was a record is looked at again, which makes one.
INSERT INTO job (municipality_id, kind, key, queued_at)
SELECT municipality_id, 'accept', id, recorded_at FROM follow_up WHERE state = 'conflict'
ON CONFLICT (municipality_id, kind, key) DO NOTHING;
