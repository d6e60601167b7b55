-- What became of the person's opinions, as the central endpoint says it: derived from the base, as the follow-ups are.
CREATE TABLE central_opinion (
    id    TEXT PRIMARY KEY,
    op_id TEXT NOT NULL,
    state TEXT NOT NULL
) STRICT;
