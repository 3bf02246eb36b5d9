// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Figures of a class of hardware are sums over what x/providers holds. Every lease changes one, so they are left as deltas: a
// transaction leaves one part per class, however many of its figures change, and writes no persistent key.

// CountClass changes the figures of a class at the end of the block.
func (k *Keeper) CountClass(ctx sdk.Context, change types.ClassFigures) error {
	if change.Class == "" {
		return types.ErrInvariant.Wrap("figures of a class without a name")
	}
	if change.Zero() {
		return nil
	}
	target := append([]byte{types.DeltaFigures}, change.Class...)
	return addPart(ctx.ObjectStore(k.objects), target, ctx.TxIndex(), change)
}

// SetClassFigures replaces the figures of a class, when a chain begins.
func (k *Keeper) SetClassFigures(ctx sdk.Context, figures types.ClassFigures) error {
	if figures.Zero() {
		return k.figures.Remove(ctx, figures.Class)
	}
	return k.figures.Set(ctx, figures.Class, figures)
}

// ClassFigures are those of a class; nothing is counted of one that has no Containers.
func (k *Keeper) ClassFigures(ctx sdk.Context, class string) (types.ClassFigures, error) {
	figures, err := k.figures.Get(ctx, class)
	if errors.Is(err, collections.ErrNotFound) {
		return types.NewClassFigures(class), nil
	}
	return figures, err
}

// AllClassFigures are those of all classes that have Containers, in order of name.
func (k *Keeper) AllClassFigures(ctx sdk.Context) ([]types.ClassFigures, error) {
	iter, err := k.figures.Iterate(ctx, nil)
	if err != nil {
		return nil, err
	}
	return iter.Values()
}

func (k *Keeper) foldFigures(ctx sdk.Context) error {
	return foldParts(ctx.ObjectStore(k.objects), types.DeltaFigures, func(class []byte, change types.ClassFigures) error {
		figures, err := k.ClassFigures(ctx, string(class))
		if err != nil {
			return err
		}
		return k.SetClassFigures(ctx, figures.Add(change))
	})
}

// EmissionPerYear is what is emitted into a pool in a year: the running epoch's emission, without what is left over from
// earlier ones, x 365 days / its duration.
func (k *Keeper) EmissionPerYear(ctx sdk.Context, pool types.Pool) (math.Int, error) {
	params, err := k.params.Get(ctx)
	if err != nil {
		return math.Int{}, err
	}
	epoch, err := k.epoch.Get(ctx)
	if err != nil {
		return math.Int{}, err
	}
	for _, part := range params.Divide(types.Emission(epoch.Number)) {
		if part.Pool == pool {
			return types.YearlyRoundedDown(part.Amount, epoch.Duration), nil
		}
	}
	return math.Int{}, types.ErrInvalidPool.Wrapf("%s", pool)
}
