// SPDX-License-Identifier: Apache-2.0

// Package deploy takes a workload from a file to its first byte: find a Container, lease it in one transaction, hand the
// manifest to its worker, wait until the workload answers.
//
//	file ─ parse ─┐
//	              ├─ match (Indexer, or the chain) ─┬─ sign, send, included ──┐
//	account ──────┘                                 └─ manifest to candidate ─┴─ running? ─ answers? ─ result
//
// The manifest goes to the best candidate while the transaction is on its way; a worker keeps it by its hash, so nothing is
// lost if another candidate wins. Nothing here is trusted: the price is bounded by the transaction itself, and the worker's key
// is read from the chain, not from the Indexer that named the Container.
package deploy
