# SPDX-License-Identifier: Apache-2.0

SHELL := /bin/bash
.DEFAULT_GOAL := help

BUILD   := build
TOOLS   := $(BUILD)/tools
BINS    := athd ath-worker ath-checker ath-indexer ath-localnet
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/cosmos/cosmos-sdk/version.Name=ath -X github.com/cosmos/cosmos-sdk/version.AppName=athd \
	-X github.com/cosmos/cosmos-sdk/version.Version=$(VERSION) -X github.com/cosmos/cosmos-sdk/version.Commit=$(COMMIT)
# No -trimpath: tests and programs then share what is compiled, which is most of the time of a cold run.
GO      := go
TESTFLAGS ?=
ONCE    ?=
# What make recovery plays.
SCHEDULES ?= 100
BUDGET  ?= 0
SEED    ?= 0
FIRST   ?= 0
# How many make bench-sessions settles, a multiple of 1,000.
SESSIONS ?= 1000000
# LEDGER=1 builds athd with support for Ledger devices, which needs a C compiler.
LEDGER  ?=

.PHONY: help
help: ## Say what can be made
	@printf 'ATH: make TARGET\n\n'
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' Makefile
	@printf '\nFirst time: `make run`. It needs root or Docker, installs what is missing, and leaves nothing behind on Ctrl-C.\n'

.PHONY: deps
deps: ## Install what the machine lacks (Debian: apt; needs root) and download Go modules
	@scripts/deps.sh all

.PHONY: proto
proto: ## Generate Go code from proto/
	@scripts/deps.sh proto
	@bash scripts/proto.sh

.PHONY: build
build: ## Build all programs into build/; LEDGER=1 for athd with Ledger devices
	@mkdir -p $(BUILD)
	@$(if $(LEDGER),scripts/deps.sh ledger)
	@echo "building; the first time takes some minutes"
	@$(GO) build $(if $(LEDGER),-tags ledger) -ldflags '$(LDFLAGS)' -o $(BUILD)/ $(addprefix ./cmd/,$(BINS))
	@mkdir -p $(BUILD)/samples
	@CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w' -o $(BUILD)/samples/ ./samples/...
	@echo "built: $(addprefix $(BUILD)/,$(BINS))"

.PHONY: run
run: ## Start a local network and play the whole story on it; ONCE=1 asserts it and ends
	@scripts/deps.sh run
	@$(MAKE) --no-print-directory build
	@exec $(BUILD)/ath-localnet run $(if $(ONCE),--once)

$(TOOLS)/%: tools/go.mod tools/go.sum
	@mkdir -p $(TOOLS)
	@cd tools && $(GO) build -o ../$(TOOLS)/ $(TOOL_PACKAGE)
	@touch $@

$(TOOLS)/gotestsum: TOOL_PACKAGE := gotest.tools/gotestsum
$(TOOLS)/golangci-lint: TOOL_PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(TOOLS)/govulncheck: TOOL_PACKAGE := golang.org/x/vuln/cmd/govulncheck

.PHONY: test
test: $(TOOLS)/gotestsum ## Unit, model, genesis round-trip and import-rule tests
	@$(TOOLS)/gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -timeout 25m $(TESTFLAGS) ./...

.PHONY: sim
sim: ## Random users and governance over many seeds; every message of ours must have succeeded
	@$(GO) test ./app -run '^TestMarketSimulation$$' -count=1 -timeout 15m -v -market-seeds 10 -market-blocks 200 -market-all

.PHONY: sim-economy
sim-economy: ## Ten years of the token's economy; prints a CSV, draws docs/economy.svg
	@$(GO) test ./tests/economy -run '^TestTenYears$$' -count=1 -out ../../docs >&2
	@cat docs/economy.csv

.PHONY: e2e
e2e: build $(TOOLS)/gotestsum ## Scripts against a real node, worker and containers (needs Docker)
	@scripts/deps.sh run
	@scripts/deps.sh ledger
	@$(TOOLS)/gotestsum --format testname -- -tags ledger,test_ledger_mock -count=1 -run '^TestLedger$$' $(TESTFLAGS) ./cmd/athd
	@ATH_DOCKER=1 $(TOOLS)/gotestsum --format pkgname-and-test-fails -- -timeout 15m -count=1 -p 1 $(TESTFLAGS) \
		./offchain/worker ./offchain/worker/runtime/docker
	@$(TOOLS)/gotestsum --format testname -- -tags e2e -timeout 30m -count=1 -p 1 $(TESTFLAGS) ./tests/e2e/... ./tests/network/...

.PHONY: recovery
recovery: build $(TOOLS)/gotestsum ## Kill everything under running leases; SCHEDULES=100 BUDGET=0 (none begins later) SEED=0 (random) FIRST=0
	@scripts/deps.sh run
	@$(TOOLS)/gotestsum --format standard-verbose -- -tags e2e -timeout 45m -count=1 $(TESTFLAGS) ./tests/recovery \
		-kill-schedules $(SCHEDULES) -kill-budget $(BUDGET) -kill-seed $(SEED) -kill-first $(FIRST)

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/govulncheck ## gofmt, go vet, golangci-lint, known vulnerabilities
	@scripts/lint.sh

.PHONY: bench
bench: build ## Measure what docs/benchmarks.md promises; writes build/bench.json
	@scripts/deps.sh run
	@$(BUILD)/ath-localnet bench --out $(BUILD)/bench.json

.PHONY: bench-chain
bench-chain: ## Measure the chain alone, without Docker; keeps the other figures of build/bench.json
	@mkdir -p $(BUILD)
	@$(GO) run ./cmd/ath-localnet bench --network=false --out $(BUILD)/bench.json

.PHONY: bench-sessions
bench-sessions: ## Settle a million sessions, a quarter of an hour; keeps the other figures of build/bench.json
	@mkdir -p $(BUILD)
	@ATH_SESSIONS=$(SESSIONS) $(GO) run ./cmd/ath-localnet bench --network=false --only Channels --out $(BUILD)/bench.json

.PHONY: clean
clean: ## Stop a local network that is left over and remove build/
	@if [ -x $(BUILD)/ath-localnet ]; then $(BUILD)/ath-localnet clean; fi
	@rm -rf $(BUILD)
