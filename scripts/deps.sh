#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a target needs and the machine lacks: deps.sh test|run|ledger|proto|all. Quick when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

need=()
want() { # want COMMAND-OR-FILE PACKAGE...
  local probe=$1
  shift
  if [[ $probe == */* ]]; then compgen -G "$probe" >/dev/null && return 0
  else PATH="$PATH:/usr/sbin:/sbin" command -v "$probe" >/dev/null && return 0; fi
  need+=("$@")
}

go_version=$(sed -n 's/^go //p' go.mod)
if ! command -v go >/dev/null; then
  echo "deps: Go is missing; install Go $go_version or newer from https://go.dev/dl and put it on PATH" >&2
  exit 1
fi

target=${1:-all}
case $target in
  test) want git git ca-certificates ;;
  run) want git git ca-certificates; want curl curl; want dockerd docker.io; want iptables iptables ;;
  ledger) want gcc gcc libc6-dev ;;
  proto) want protoc protobuf-compiler; want /usr/include/google/protobuf/descriptor.proto libprotobuf-dev ;;
  all)
    want git git ca-certificates; want gcc gcc libc6-dev; want make make
    want curl curl; want dockerd docker.io; want iptables iptables
    want protoc protobuf-compiler; want /usr/include/google/protobuf/descriptor.proto libprotobuf-dev
    # Any OpenCL device will do for the GPU challenge; PoCL makes the CPU one, so that the real path is tested everywhere.
    want '/usr/lib/*/libOpenCL.so.1' ocl-icd-libopencl1; want '/usr/lib/*/libpocl.so*' pocl-opencl-icd ;;
  *) echo "deps: unknown target $target; want test, run, ledger, proto or all" >&2; exit 2 ;;
esac

retry() { # retry COMMAND...: mirrors time out now and then
  for pause in 2 5 15 30; do
    if "$@"; then return 0; fi
    echo "deps: failed, again in $pause s: $*" >&2
    sleep "$pause"
  done
  "$@"
}

if ((${#need[@]})); then
  if ! command -v apt-get >/dev/null; then
    echo "deps: missing: ${need[*]}; install them with this system's package manager (the names are Debian's)" >&2
    exit 1
  fi
  sudo=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "deps: missing: ${need[*]}; run 'apt-get install ${need[*]}' as root" >&2
      exit 1
    fi
    sudo=(sudo)
  fi
  echo "deps: installing ${need[*]}"
  retry "${sudo[@]}" apt-get -o Acquire::Retries=3 -qq update
  # No service may be started by an installation: the network starts its own engine and stops it again.
  retry "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o Acquire::Retries=3 -qq -y install --no-install-recommends "${need[@]}" >/dev/null
fi

if [[ $target == all || ! -d $(go env GOMODCACHE)/cache/download ]]; then
  echo "deps: downloading Go modules where the cache lacks them"
  retry go mod download
fi
