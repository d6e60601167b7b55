-- Whoever decides a follow-up asks which others of the same person wait for it. Without this, every received one of
-- everybody was looked at each time; those that wait for nothing, nearly all, cost nothing here.
CREATE INDEX follow_up_waiting ON follow_up (municipality_id, person_id, recorded_at, id)
WHERE state = 'received' AND held IS NOT NULL;
