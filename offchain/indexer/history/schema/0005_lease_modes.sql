-- The mode of a lease (LeaseMode), and when its provider takes the Container back.
ALTER TABLE leases ADD COLUMN mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN reclaim_at INTEGER;
