// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Figures of a class count its living Containers. x/ath keeps them, because a lease changes them and may write no total; this
// module says what changes, and counts anew when a chain begins.

// countNew counts Containers that were just registered: one change per class.
func (k *Keeper) countNew(ctx sdk.Context, news []types.NewContainer, stakes []types.ContainerStake) error {
	figures := make([]athtypes.ClassFigures, len(news))
	for i, n := range news {
		figures[i] = types.NewStatus(0).Figures(types.Container{Class: n.Class, Count: n.Count})
		figures[i].Stake = stakes[i].Required
	}
	for _, sum := range athtypes.SumFigures(figures) {
		if err := k.figures.CountClass(ctx, sum); err != nil {
			return err
		}
	}
	return nil
}

// countChange counts what a change of status changes.
func (k *Keeper) countChange(ctx sdk.Context, prev, next types.ContainerStatus) error {
	if next.CountsLike(prev) {
		return nil
	}
	c, err := k.Container(ctx, next.Id)
	if err != nil {
		return err
	}
	return k.figures.CountClass(ctx, next.Figures(c).Add(prev.Figures(c).Neg()))
}

// figuresOf is what a living Container counts for.
func (k *Keeper) figuresOf(ctx sdk.Context, c types.Container) (athtypes.ClassFigures, error) {
	status, err := k.Status(ctx, c.Id)
	if err != nil {
		return athtypes.ClassFigures{}, err
	}
	stake, err := k.stakes.Get(ctx, c.Id)
	if err != nil {
		return athtypes.ClassFigures{}, err
	}
	figures := status.Figures(c)
	figures.Stake = stake.Required
	return figures, nil
}

// countAll counts all Containers anew; only genesis and invariants may.
func (k *Keeper) countAll(ctx sdk.Context, containers []types.Container) ([]athtypes.ClassFigures, error) {
	figures := make([]athtypes.ClassFigures, len(containers))
	for i, c := range containers {
		var err error
		if figures[i], err = k.figuresOf(ctx, c); err != nil {
			return nil, err
		}
	}
	return athtypes.SumFigures(figures), nil
}

func (k *Keeper) initFigures(ctx sdk.Context, containers []types.Container) error {
	sums, err := k.countAll(ctx, containers)
	if err != nil {
		return err
	}
	for _, sum := range sums {
		if err := k.figures.SetClassFigures(ctx, sum); err != nil {
			return err
		}
	}
	return nil
}

// checkFigures: P17, figures are what a count over the state says.
func (k *Keeper) checkFigures(ctx sdk.Context, containers []types.Container) error {
	sums, err := k.countAll(ctx, containers)
	if err != nil {
		return err
	}
	kept, err := k.figures.AllClassFigures(ctx)
	if err != nil {
		return err
	}
	if len(kept) != len(sums) {
		return fmt.Errorf("figures of %d classes, containers of %d", len(kept), len(sums))
	}
	for _, want := range sums {
		have, err := k.figures.ClassFigures(ctx, want.Class)
		if err != nil {
			return err
		}
		if !have.Add(want.Neg()).Zero() {
			return fmt.Errorf("class %s: figures are %s, containers say %s", want.Class, have.String(), want.String())
		}
	}
	return nil
}
