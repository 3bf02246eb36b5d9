#!/usr/bin/env bash
# Generates the Go code of proto/ into x/ and offchain/: protoc with the include paths of the module cache, no network.
set -euo pipefail
cd "$(dirname "$0")/.."

mod() { go list -m -f '{{.Dir}}' "$1"; }
go mod download github.com/cosmos/cosmos-sdk github.com/cosmos/cosmos-proto github.com/cosmos/gogoproto github.com/grpc-ecosystem/grpc-gateway
bin=$(mktemp -d)
out=$(mktemp -d)
trap 'rm -rf "$bin" "$out"' EXIT
(cd tools && GOFLAGS=-buildvcs=false go build -o "$bin/" github.com/cosmos/gogoproto/protoc-gen-gocosmos \
  github.com/grpc-ecosystem/grpc-gateway/protoc-gen-grpc-gateway github.com/grpc-ecosystem/grpc-gateway/protoc-gen-swagger)

includes=(-I proto -I "$(mod github.com/cosmos/cosmos-sdk)/proto" -I "$(mod github.com/cosmos/cosmos-proto)/proto"
  -I "$(mod github.com/cosmos/gogoproto)" -I "$(mod github.com/grpc-ecosystem/grpc-gateway)/third_party/googleapis")
any=google/protobuf/any.proto=github.com/cosmos/gogoproto/types/any
# One call per package: the plugin refuses files of two Go packages.
for dir in $(find proto -name '*.proto' -exec dirname {} + | sort -u); do
  PATH="$bin:$PATH" protoc "${includes[@]}" --gocosmos_out="plugins=grpc,M$any:$out" "$dir"/*.proto
  if [ -f "$dir/query.proto" ]; then
    PATH="$bin:$PATH" protoc "${includes[@]}" --grpc-gateway_out="logtostderr=true,allow_colon_final_segments=true:$out" "$dir/query.proto"
  fi
done
cp -r "$out"/github.com/athnet/ath/* .
bash scripts/openapi.sh "$bin"
