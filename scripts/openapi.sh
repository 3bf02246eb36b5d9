#!/usr/bin/env bash
# Writes app/openapi/openapi.json, the description of the REST API that a node serves: our modules', the SDK's and IBC's (but for
# its connections, whose proto files import one that no Go module ships). Called by proto.sh with the directory of protoc's
# plugins; no network.
set -euo pipefail
cd "$(dirname "$0")/.."

plugins=$1
mod() { go list -m -f '{{.Dir}}' "$1"; }
sdk=$(mod github.com/cosmos/cosmos-sdk)/proto
ibc=$(mod github.com/cosmos/ibc-go/v11)/proto
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The generator merges files of one Go package only, so they get one; it appears nowhere in the document.
take() { # ROOT FILE...
  local root=$1 file
  for file in "${@:2}"; do
    file=${file#"$root/"}
    mkdir -p "$tmp/$(dirname "$file")"
    sed -E 's|^option go_package *=.*|option go_package = "openapi";|' "$root/$file" > "$tmp/$file"
    files+=("$file")
  done
}
files=()
take proto proto/athd/{ath,providers,leases,checks}/v1/query.proto
take "$sdk" "$sdk"/cosmos/tx/v1beta1/service.proto "$sdk"/cosmos/base/{node,tendermint}/v1beta1/query.proto \
  "$sdk"/cosmos/{consensus,gov}/v1/query.proto \
  "$sdk"/cosmos/{auth,authz,bank,distribution,epochs,evidence,feegrant,slashing,staking,upgrade}/v1beta1/query.proto
take "$ibc" "$ibc"/ibc/core/{channel,client}/v{1,2}/query.proto "$ibc"/ibc/applications/transfer/v1/query.proto

mkdir "$tmp/out"
PATH="$plugins:$PATH" protoc -I "$tmp" -I proto -I "$sdk" -I "$ibc" -I "$(mod github.com/cometbft/cometbft)/proto" \
  -I "$(mod github.com/cosmos/cosmos-proto)/proto" -I "$(mod github.com/cosmos/gogoproto)" \
  -I "$(mod github.com/grpc-ecosystem/grpc-gateway)/third_party/googleapis" \
  --swagger_out="logtostderr=true,fqn_for_swagger_name=true,allow_merge=true,merge_file_name=openapi:$tmp/out" "${files[@]}"
# It names the document after the first of the files, and operations alike in all modules ("Query_Params"): better without.
sed -E -e '1,/"version"/ { s|"title": "[^"]*"|"title": "REST API of a node of the ATH chain"|; s|"version": "[^"]*"|"version": "v1"|; }' \
  -e '/^ *"operationId":/d' "$tmp/out/openapi.swagger.json" > app/openapi/openapi.json
