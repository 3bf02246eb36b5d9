// SPDX-License-Identifier: Apache-2.0

// Package e2e plays scripts against a real network: a node, a worker with containers, Checkers, an Indexer. The scripts are
// testdata/*.txt, the tests run with `make e2e` (build tag e2e).
package e2e
