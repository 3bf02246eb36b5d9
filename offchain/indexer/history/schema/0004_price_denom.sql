-- SPDX-License-Identifier: Apache-2.0
-- The denom of a lease's rate where it is not the denom that pays.
ALTER TABLE leases ADD COLUMN price_denom TEXT NOT NULL DEFAULT '';
