// SPDX-License-Identifier: Apache-2.0

// Package network plays the life of a network of four validators on one machine: real processes, own homes, own ports. Its
// tests run with `make e2e` (build tag e2e).
package network
