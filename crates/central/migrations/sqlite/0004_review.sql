-- The review of a follow-up with all its rounds; none while nobody has to look at it.
ALTER TABLE follow_up ADD COLUMN review TEXT;
