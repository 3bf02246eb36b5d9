#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# gofmt, go vet (in golangci-lint), linters, shell syntax, known vulnerabilities. Every finding fails.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=build/tools

unformatted=$(git ls-files '*.go' | grep -v '\.pb\(\.gw\)\?\.go$' | xargs gofmt -l)
if [[ -n $unformatted ]]; then
  echo "lint: not gofmt'ed; run gofmt -w on:" >&2
  echo "$unformatted" >&2
  exit 1
fi
git ls-files '*.sh' .ci/run | while read -r script; do bash -n "$script"; done
# Files without a licence header.
missing=$(git ls-files '*.go' | grep -v '\.pb\(\.gw\)\?\.go$' | xargs grep -L 'SPDX-License-Identifier: Apache-2.0' || true)
if [[ -n $missing ]]; then
  echo "lint: without the line '// SPDX-License-Identifier: Apache-2.0':" >&2
  echo "$missing" >&2
  exit 1
fi
"$tools/golangci-lint" run --timeout 15m
"$tools/golangci-lint" run --timeout 15m --build-tags e2e ./tests/...

# The data base of vulnerabilities is on the network; without it the check is said to be left out, not passed.
if out=$("$tools/govulncheck" -format text ./cmd/... 2>&1); then
  echo "lint: no known vulnerability is reachable"
elif grep -q -e 'vuln.go.dev' -e 'fetching' <<<"$out" && ! grep -q 'Vulnerability #' <<<"$out"; then
  echo "lint: LEFT OUT: govulncheck can't reach its data base"
else
  echo "$out" >&2
  echo "lint: accepted vulnerabilities belong into docs/SCOPE.md with their reason" >&2
  exit 1
fi
