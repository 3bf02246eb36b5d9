// SPDX-License-Identifier: Apache-2.0

// Package recovery kills what serves running leases, again and again, in every order, and demands that nobody notices.
//
//	make recovery                                       100 schedules
//	make recovery SCHEDULES=20 BUDGET=5m SEED=7         fewer; none begins after five minutes; those of another seed
//
// One network serves all schedules: a node, an Indexer, three Checkers, an engine of its own (dockerd and containerd apart), and three
// workers with a lease of two services each. A schedule draws from seed and number which of these are ended (workers, dockerd, containerd,
// athd, ath-indexer), by SIGKILL or SIGTERM, when, for how long, and whether once more just after the start; sometimes a tenant's reader of
// logs dies too, and sometimes the tenant closes a lease meanwhile. Everything runs side by side, so that ends and starts come in any order;
// but containerd is not ended in the half second in which a dockerd that has started takes its containers over.
//
// After each schedule, within a minute:
//   - every service runs in the same container and the same process as before, and no other container exists;
//   - every published TCP port answers, from that process;
//   - `athd lease logs --follow` has had every line that a service wrote, in order and once, over all breaks and with --cursor over its own
//     death; a service was never silent for longer than two seconds;
//   - the lease is RUNNING; its usage records are one chain, from the start of billing on without a hole, signed by the worker, and go on;
//   - what is billed after a settlement is rate × (block time of the settlement − start of billing), to 10⁻²⁷ uath;
//   - billing is service to the second: the time billed and the time that all services had run, by the engine's clock for their start and by
//     the living process for the end, differ by less than a second;
//   - the account holds what was deposited less what was paid; the Indexer says the same of every lease as the chain; no Checker has found
//     a fault, for a short break is none.
//
// After a lease has ended its receipt says the same, its logs are whole up to its end, and nothing of it is left on the engine.
package recovery
