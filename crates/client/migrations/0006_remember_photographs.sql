-- The photograph as it was chosen, when a smaller one is kept in its place.
ALTER TABLE evidence ADD COLUMN original_sha256 TEXT;
ALTER TABLE evidence ADD COLUMN original_size INTEGER;

-- What the photograph says of itself: the day it was taken (yyyy-mm-dd) and where (latitude, longitude).
ALTER TABLE evidence ADD COLUMN taken_on TEXT;
ALTER TABLE evidence ADD COLUMN taken_in TEXT;

-- Somebody answered what a photograph offers: it is not offered again.
ALTER TABLE draft_file ADD COLUMN answered INTEGER NOT NULL DEFAULT 0;
