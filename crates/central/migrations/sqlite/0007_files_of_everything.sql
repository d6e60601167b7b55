-- Files that are made of many processes: bulk packages and the parts of the catalogue.

-- In which part a release (or, with sequence 0, a process) is. Once said it never changes: what somebody downloaded
-- from one file is not found in another one later. `part` is `releases`, `records` or `catalog`; `period` a month, a
-- year, or nothing.
CREATE TABLE part_member (
    municipality_id TEXT NOT NULL,
    part TEXT NOT NULL,
    ocid TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    period TEXT NOT NULL,
    n INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (municipality_id, part, ocid, sequence)
) STRICT;
CREATE INDEX part_member_by_part ON part_member (municipality_id, part, period, n);

-- The present version of each file that is made of others. Rows follow the switch of the catalogue, never precede it.
-- `name` is where it is found always, `path` where this version is, `made_of` what says whether it is still the present.
CREATE TABLE made_file (
    municipality_id TEXT NOT NULL,
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    changed TEXT NOT NULL,
    made_of TEXT NOT NULL,
    PRIMARY KEY (municipality_id, name)
) STRICT;
