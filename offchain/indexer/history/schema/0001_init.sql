-- SPDX-License-Identifier: Apache-2.0
-- Times are unix nanoseconds of block time. Amounts are decimal text: they exceed 64 bits. A shipped file never changes.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE leases (
  tenant TEXT NOT NULL, number INTEGER NOT NULL,
  container_id INTEGER NOT NULL, provider TEXT NOT NULL, denom TEXT NOT NULL, rate TEXT NOT NULL,
  manifest_hash BLOB, indexer TEXT NOT NULL DEFAULT '',
  opened_at INTEGER NOT NULL, opened_height INTEGER NOT NULL,
  started_at INTEGER, closed_at INTEGER, closed_height INTEGER,
  reason INTEGER NOT NULL DEFAULT 0, closed_by TEXT NOT NULL DEFAULT '',
  billed TEXT NOT NULL DEFAULT '0', fee TEXT NOT NULL DEFAULT '0',
  usage_records INTEGER NOT NULL DEFAULT 0, exit_codes TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (tenant, number)
) WITHOUT ROWID;
CREATE INDEX leases_by_provider ON leases (provider, opened_height);
CREATE INDEX leases_by_container ON leases (container_id, opened_height);

CREATE TABLE usage (
  tenant TEXT NOT NULL, number INTEGER NOT NULL, sequence INTEGER NOT NULL,
  from_at INTEGER NOT NULL, until_at INTEGER NOT NULL,
  cpu_ms INTEGER NOT NULL, memory_mib INTEGER NOT NULL, gpu_ms INTEGER NOT NULL,
  network_rx INTEGER NOT NULL, network_tx INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (tenant, number, sequence)
) WITHOUT ROWID;

CREATE TABLE container_states (
  container_id INTEGER NOT NULL, height INTEGER NOT NULL, at INTEGER NOT NULL,
  state INTEGER NOT NULL, lease TEXT NOT NULL, reason TEXT NOT NULL, fault_at INTEGER
);
CREATE INDEX container_states_by_container ON container_states (container_id, height);

CREATE TABLE verdicts (
  round INTEGER NOT NULL, shard INTEGER NOT NULL, committee INTEGER NOT NULL, revealed INTEGER NOT NULL,
  healthy INTEGER NOT NULL, faulty INTEGER NOT NULL, inconclusive INTEGER NOT NULL, height INTEGER NOT NULL,
  PRIMARY KEY (round, shard)
) WITHOUT ROWID;

CREATE TABLE tasks (
  round INTEGER NOT NULL, shard INTEGER NOT NULL, licence INTEGER NOT NULL, correct INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (round, shard, licence)
) WITHOUT ROWID;

CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, emitted TEXT NOT NULL, ended_at INTEGER NOT NULL, height INTEGER NOT NULL);

CREATE TABLE fees (
  epoch INTEGER NOT NULL, denom TEXT NOT NULL,
  stakers TEXT NOT NULL, sla_fund TEXT NOT NULL, treasury TEXT NOT NULL, burnt TEXT NOT NULL,
  PRIMARY KEY (epoch, denom)
) WITHOUT ROWID;

CREATE TABLE shares (
  pool INTEGER NOT NULL, epoch INTEGER NOT NULL, amount TEXT NOT NULL, weight TEXT NOT NULL, PRIMARY KEY (pool, epoch)
) WITHOUT ROWID;

-- Coins that came in or went out of the vault: what is a deposit, a claim, a withdrawal.
CREATE TABLE movements (
  height INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, owner TEXT NOT NULL, party TEXT NOT NULL, amount TEXT NOT NULL
);
CREATE INDEX movements_by_owner ON movements (owner, height);
