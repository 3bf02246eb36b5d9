-- Receipts in full, and where the chain's log has them: the chain forgets the former and keeps only what proves them.
CREATE TABLE receipts (
  tenant TEXT NOT NULL, number INTEGER NOT NULL, place INTEGER UNIQUE, hash BLOB NOT NULL, receipt BLOB NOT NULL,
  PRIMARY KEY (tenant, number)
);
CREATE TABLE receipt_roots (epoch INTEGER PRIMARY KEY, count INTEGER NOT NULL, root BLOB NOT NULL);
