-- Receipts of before the endpoint was restored from a backup. The renewed one is in the outbox; what an endpoint once
-- signed stays as evidence.
CREATE TABLE earlier_receipt (
    op_id       TEXT NOT NULL REFERENCES outbox (op_id),
    replaced_at TEXT NOT NULL,
    receipt     TEXT NOT NULL,
    PRIMARY KEY (op_id, receipt)
) STRICT;

-- Epoch of the endpoint in which base_version was counted.
ALTER TABLE draft ADD COLUMN base_epoch TEXT;
