// SPDX-License-Identifier: Apache-2.0

// Package localnet runs a whole network on one machine from config.yml: a validator, a worker with real containers, Checkers,
// an Indexer and an image registry. `make run`, the benchmarks and the end-to-end tests all use it.
//
//	athd ──────────── one validator, 1 s blocks
//	ath-worker ─────┐ measures this machine, runs containers on the engine that is there or on a private one
//	ath-checker ×3  ├ each with a key of its own, as processes in groups of their own
//	ath-indexer ────┘
//	registry ──────── in this process; holds the sample workloads
//
// Everything that is started is written to state.json first, so that Stop, or the next Start, or `make clean` can end
// what a killed run left behind.
package localnet
