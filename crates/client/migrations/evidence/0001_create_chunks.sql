-- Bytes of files in pieces of 1 MiB: one piece is what one request carries, and what memory has to hold.
CREATE TABLE evidence_chunk (
    sha256 TEXT NOT NULL,
    n      INTEGER NOT NULL,
    bytes  BLOB NOT NULL,
    PRIMARY KEY (sha256, n)
) STRICT;
