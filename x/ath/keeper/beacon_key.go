// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"errors"
	"time"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// SetBeaconKey registers a validator's beacon key, or removes it where the key is empty. It returns the first epoch in
// which the key counts.
func (k *Keeper) SetBeaconKey(ctx sdk.Context, operator sdk.ValAddress, pubkey, possession []byte) (uint64, error) {
	if len(pubkey) == 0 {
		return 0, k.RemoveBeaconKey(ctx, operator)
	}
	if _, err := k.validators.GetValidator(ctx, operator); err != nil {
		return 0, types.ErrNoValidator.Wrapf("operator: %s", err)
	}
	if !types.VerifyPossession(ctx.ChainID(), operator, pubkey, possession) {
		return 0, types.ErrBeaconPossession.Wrapf("chain-id %s, operator %s", ctx.ChainID(), operator)
	}
	owner, err := k.beaconOwners.Get(ctx, pubkey)
	if err != nil && !errors.Is(err, collections.ErrNotFound) {
		return 0, err
	}
	if err == nil && !bytes.Equal(owner, operator) {
		return 0, types.ErrBeaconKeyTaken.Wrapf("pubkey: %X", pubkey)
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return 0, err
	}
	before, err := k.beaconKey(ctx, operator)
	if err != nil && !errors.Is(err, types.ErrBeaconKeyNotFound) {
		return 0, err
	}
	after, err := before.Register(pubkey, epoch.Number)
	if err != nil {
		return 0, err
	}
	if err := k.saveBeaconKey(ctx, operator, before, after); err != nil {
		return 0, err
	}
	return max(after.FromEpoch, epoch.Number), types.Emit(ctx, &types.EventBeaconKeySet{Key: after})
}

// RemoveBeaconKey forgets a validator's key at once: it may be silent at any time anyway.
func (k *Keeper) RemoveBeaconKey(ctx sdk.Context, operator sdk.ValAddress) error {
	key, err := k.beaconKey(ctx, operator)
	if err != nil {
		return err
	}
	if err := k.saveBeaconKey(ctx, operator, key, types.BeaconKey{}); err != nil {
		return err
	}
	return types.Emit(ctx, &types.EventBeaconKeySet{Key: types.BeaconKey{Operator: key.Operator}})
}

// dropBeaconKey forgets the key of a validator that was removed.
func (k *Keeper) dropBeaconKey(ctx sdk.Context, operator sdk.ValAddress) error {
	err := k.RemoveBeaconKey(ctx, operator)
	if errors.Is(err, types.ErrBeaconKeyNotFound) {
		return nil
	}
	return err
}

// BeaconKeyInUse says whether a key will count when votes for the next block are read; nodes ask it to know which of their
// keys to vote with. The next block ends the epoch if its time says so.
func (k *Keeper) BeaconKeyInUse(ctx sdk.Context, pubkey []byte, blockTime time.Time) (bool, error) {
	owner, err := k.beaconOwners.Get(ctx, pubkey)
	if errors.Is(err, collections.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	key, err := k.beaconKey(ctx, owner)
	if err != nil {
		return false, err
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return false, err
	}
	number := epoch.Number
	if !blockTime.Before(epoch.End()) {
		number++
	}
	return bytes.Equal(key.InUse(number), pubkey), nil
}

// beaconKey returns what a validator registered; ErrBeaconKeyNotFound comes with an empty record of the operator.
func (k *Keeper) beaconKey(ctx sdk.Context, operator []byte) (types.BeaconKey, error) {
	key, err := k.beaconKeys.Get(ctx, operator)
	if !errors.Is(err, collections.ErrNotFound) {
		return key, err
	}
	text, err := k.validators.ValidatorAddressCodec().BytesToString(operator)
	if err != nil {
		return key, types.ErrInvalidAddress.Wrapf("operator: %s", err)
	}
	return types.BeaconKey{Operator: text}, types.ErrBeaconKeyNotFound.Wrapf("operator: %s", text)
}

// saveBeaconKey is the one writer of keys and of the index by public key; without keys in it the record goes.
func (k *Keeper) saveBeaconKey(ctx sdk.Context, operator []byte, before, after types.BeaconKey) error {
	for _, key := range before.Keys() {
		if err := k.beaconOwners.Remove(ctx, key); err != nil {
			return err
		}
	}
	for _, key := range after.Keys() {
		if err := k.beaconOwners.Set(ctx, key, operator); err != nil {
			return err
		}
	}
	if len(after.Keys()) == 0 {
		return k.beaconKeys.Remove(ctx, operator)
	}
	return k.beaconKeys.Set(ctx, operator, after)
}

// importBeacon loads the beacon's part of a genesis state.
func (k *Keeper) importBeacon(ctx sdk.Context, state *types.GenesisState) error {
	if len(state.Beacon) > 0 {
		if err := k.beacon.Set(ctx, state.Beacon); err != nil {
			return err
		}
	}
	for i, record := range state.Beacons {
		// The block of that height would take it for its own, and have the value of the block before.
		if begins := max(1, ctx.BlockHeight()); record.Height >= begins {
			return types.ErrInvalidGenesis.Wrapf("beacons[%d] is of height %d and the chain begins at %d; set initial_height to the exported one", i, record.Height, begins)
		}
		if err := k.beacons.Set(ctx, types.BeaconSlot(record.Height), record); err != nil {
			return err
		}
	}
	for i, key := range state.BeaconKeys {
		operator, err := k.validators.ValidatorAddressCodec().StringToBytes(key.Operator)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("beacon_keys[%d].operator: %s", i, err)
		}
		if err := k.saveBeaconKey(ctx, operator, types.BeaconKey{}, key); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) exportBeacon(ctx sdk.Context, state *types.GenesisState) error {
	var err error
	if state.Beacon, err = k.beacon.Get(ctx); err != nil && !errors.Is(err, collections.ErrNotFound) {
		return err
	}
	if state.Beacons, err = k.keptBeacons(ctx); err != nil {
		return err
	}
	return k.beaconKeys.Walk(ctx, nil, func(_ []byte, key types.BeaconKey) (bool, error) {
		state.BeaconKeys = append(state.BeaconKeys, key)
		return false, nil
	})
}

// checkBeacon: the beacon is the last one of those that are kept, each kept one is in its place; every registered key leads
// to its validator and to no other (A19).
func (k *Keeper) checkBeacon(ctx sdk.Context) error {
	state := types.GenesisState{}
	if err := k.exportBeacon(ctx, &state); err != nil {
		return err
	}
	if n := len(state.Beacons); n > 0 && !bytes.Equal(state.Beacons[n-1].Value, state.Beacon) {
		return types.ErrInvariant.Wrapf("the beacon is %X, the last that is kept %X", state.Beacon, state.Beacons[n-1].Value)
	}
	err := k.beacons.Walk(ctx, nil, func(slot uint64, record types.BeaconRecord) (bool, error) {
		if slot != types.BeaconSlot(record.Height) {
			return true, types.ErrInvariant.Wrapf("the beacon of height %d is in place %d", record.Height, slot)
		}
		return false, record.Validate()
	})
	if err != nil {
		return err
	}
	keys := 0
	err = k.beaconKeys.Walk(ctx, nil, func(operator []byte, key types.BeaconKey) (bool, error) {
		for _, one := range key.Keys() {
			keys++
			if owner, err := k.beaconOwners.Get(ctx, one); err != nil || !bytes.Equal(owner, operator) {
				return true, types.ErrInvariant.Wrapf("beacon key %X of %s leads to %X (%v)", one, key.Operator, owner, err)
			}
		}
		return false, key.Validate()
	})
	if err != nil {
		return err
	}
	return k.beaconOwners.Walk(ctx, nil, func(key, operator []byte) (bool, error) {
		if keys--; keys < 0 {
			return true, types.ErrInvariant.Wrapf("beacon key %X leads to %X, who did not register it", key, operator)
		}
		return false, nil
	})
}
