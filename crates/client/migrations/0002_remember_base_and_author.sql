-- Releases of the process when the draft was begun: what the person had before their eyes. Unknown for drafts of before.
ALTER TABLE draft ADD COLUMN base_version INTEGER;

-- Whose operation it is, when the folder was later enrolled for somebody else: it is never offered in their name.
ALTER TABLE outbox ADD COLUMN former_person TEXT;
