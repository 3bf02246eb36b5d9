// SPDX-License-Identifier: Apache-2.0

// Package economy runs ten years of the token's economy with the chain's own pure functions, an epoch per step, and draws
// what comes out. It is a test: `make sim-economy` writes the table and the plot of docs/economy.md. Another test runs the
// first epochs on the keepers of an application, which must book the same.
package economy
