-- What a follow-up was typed as, and with which form: kept when its draft becomes ready, so that its correction begins
-- with it.
CREATE TABLE typed (
    follow_up TEXT PRIMARY KEY,
    form      TEXT NOT NULL,
    typed     TEXT NOT NULL
) STRICT;

-- The follow-up that a draft corrects, and why, where what it corrects is public already.
ALTER TABLE draft ADD COLUMN corrects TEXT;
ALTER TABLE draft ADD COLUMN correction_reason TEXT;
