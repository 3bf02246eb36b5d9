// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// beaconDomain separates the beacon's hash from every other hash over the same bytes.
const beaconDomain = "ath/beacon/v1"

// Beacon returns the random value of this block, 32 bytes.
//
// It is as unpredictable as the block's hash and no better: a proposer can try out orders of transactions until the value
// suits it. That bias is acceptable for drawing committees on a small network and nothing else.
func (k *Keeper) Beacon(ctx sdk.Context) ([]byte, error) {
	value, err := k.beacon.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return make([]byte, types.BeaconSize), nil
	}
	return value, err
}

// stepBeacon hashes the last value with what this block brings: its hash commits to the proposer's choice of
// transactions, the app hash to everything before.
func (k *Keeper) stepBeacon(ctx sdk.Context) error {
	previous, err := k.Beacon(ctx)
	if err != nil {
		return err
	}
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte(beaconDomain),
		previous,
		[]byte(ctx.ChainID()),
		binary.BigEndian.AppendUint64(nil, uint64(ctx.BlockHeight())),
		ctx.HeaderInfo().Hash,
		ctx.BlockHeader().AppHash,
	} {
		// A length before each part, so that no two inputs run together to the same bytes.
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return k.beacon.Set(ctx, h.Sum(nil))
}
