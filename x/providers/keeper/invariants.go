// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// CheckInvariants reads the whole state and returns the first contradiction; tests and debug commands call it, never a block.
// What P1 to P6 are is in the README.
func (k *Keeper) CheckInvariants(ctx sdk.Context) error {
	g, err := k.ExportGenesis(ctx)
	if err != nil {
		return err
	}
	// P1 to P5: each record is valid, and they fit each other.
	if err := g.Validate(); err != nil {
		return err
	}
	for _, c := range g.Containers {
		if err := k.checkContainer(ctx, c); err != nil {
			return err
		}
	}
	return k.checkProviders(ctx, g.Providers)
}

// checkContainer: P6, a living Container has stake; P5, indexes lead to it.
func (k *Keeper) checkContainer(ctx sdk.Context, c types.Container) error {
	stake, err := k.Bonded(ctx, c)
	if err != nil {
		return err
	}
	if !stake.IsPositive() {
		return fmt.Errorf("container %d: no stake behind it", c.Id)
	}
	id, err := k.containers.Indexes.fingerprint.MatchExact(ctx, c.Fingerprint)
	if err != nil {
		return fmt.Errorf("container %d: fingerprint index: %w", c.Id, err)
	}
	if id != c.Id {
		return fmt.Errorf("container %d: its fingerprint leads to %d", c.Id, id)
	}
	return nil
}

// checkProviders: P4, counts are those of the index.
func (k *Keeper) checkProviders(ctx sdk.Context, providers []types.Provider) error {
	for _, p := range providers {
		owner, err := k.addresses.StringToBytes(p.Owner)
		if err != nil {
			return err
		}
		iter, err := k.containers.Indexes.provider.MatchExact(ctx, owner)
		if err != nil {
			return err
		}
		ids, err := iter.PrimaryKeys()
		if err != nil {
			return err
		}
		if uint64(len(ids)) != p.Containers {
			return fmt.Errorf("provider %s: counts %d containers, index has %d", p.Owner, p.Containers, len(ids))
		}
	}
	return nil
}
