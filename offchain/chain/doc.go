// SPDX-License-Identifier: Apache-2.0

// Package chain is the only door from a daemon to a node: queries, blocks in order, and transactions.
//
//	            gRPC  ── Conn() ──────────────► generated query clients
//	node ──┤    gRPC  ── Sender.Send ──────────► simulate, sign, broadcast ─┐
//	            HTTP  ── Latest, block, results ◄── Blocks, Send's wait ◄─────┘
//	            WS    ── NewBlockHeader ─────────► wake-up only: losing it costs latency, never a block
//
// Blocks delivers every block once and in order from a height, over disconnects and restarts of the node.
// Send uses unordered transactions (a unique timeout instead of a sequence), so that any number of them may be under way,
// and the block time at which a transaction can no longer be executed is known: either it was seen in a block, or it
// was refused, or it has expired, and the error says which.
//
// The package links neither baseapp nor IAVL (deps_test.go), so daemons stay small.
package chain
