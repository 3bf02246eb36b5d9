// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Bonded is the stake behind a living Container; what open tickets hold of it counts until it is lost.
func (k *Keeper) Bonded(ctx sdk.Context, c types.Container) (math.Int, error) {
	_, bonded, err := k.stakeOf(ctx, c)
	return bonded, err
}

// stakeOf returns what a living Container must bond and what counts as bonded.
func (k *Keeper) stakeOf(ctx sdk.Context, c types.Container) (types.ContainerStake, math.Int, error) {
	stake, err := k.stakes.Get(ctx, c.Id)
	if err != nil {
		return stake, math.Int{}, err
	}
	row, err := k.vault.RowAmount(ctx, types.StakeRow(c.Provider, c.Id))
	if err != nil {
		return stake, math.Int{}, err
	}
	return stake, row.Add(stake.Held), nil
}

// RetireContainers ends Containers without a lease: nothing is left of them but their stake, which unbonds.
func (k *Keeper) RetireContainers(ctx sdk.Context, owner sdk.AccAddress, ids []uint64) (math.Int, error) {
	containers, err := k.containersOf(ctx, ids)
	if err != nil {
		return math.Int{}, err
	}
	provider, err := k.Provider(ctx, owner)
	if err != nil {
		return math.Int{}, err
	}
	if containers[0].Provider != provider.Owner {
		return math.Int{}, types.ErrUnauthorized.Wrapf("container %d is of provider %s", ids[0], containers[0].Provider)
	}
	params, err := k.Params(ctx)
	if err != nil {
		return math.Int{}, err
	}
	ripe := params.RipeRoundedUp(ctx.BlockTime())
	total, base, edits := math.ZeroInt(), math.ZeroInt(), k.editShards()
	gone := make([]athtypes.ClassFigures, len(containers))
	for i, c := range containers {
		if gone[i], err = k.figuresOf(ctx, c); err != nil {
			return math.Int{}, err
		}
		if err := k.removeContainer(ctx, c, edits); err != nil {
			return math.Int{}, err
		}
		unbonds, counted, err := k.unbond(ctx, c, ripe)
		if err != nil {
			return math.Int{}, err
		}
		total, base = total.Add(unbonds), base.Add(counted)
	}
	if err := k.countBase(ctx, base.Neg()); err != nil {
		return math.Int{}, err
	}
	for _, figures := range athtypes.SumFigures(gone) {
		if err := k.figures.CountClass(ctx, figures.Neg()); err != nil {
			return math.Int{}, err
		}
	}
	if err := edits.save(ctx); err != nil {
		return math.Int{}, err
	}
	provider.Containers -= uint64(len(containers))
	return total, k.providers.Set(ctx, owner, provider)
}

// unbond moves a retired Container's stake and says how much that was, and what it counted for in the base stake. What a ticket holds of it stays there; put back, it unbonds with the rest.
func (k *Keeper) unbond(ctx sdk.Context, c types.Container, ripe uint64) (unbonds, base math.Int, err error) {
	stake, bonded, err := k.stakeOf(ctx, c)
	if err != nil {
		return unbonds, base, err
	}
	if err := k.saveStake(ctx, stake.Retire(ripe)); err != nil {
		return unbonds, base, err
	}
	unbonds, base = bonded.Sub(stake.Held), stake.Base
	if !unbonds.IsPositive() {
		return unbonds, base, nil
	}
	return unbonds, base, k.vault.Move(ctx, types.StakeRow(c.Provider, c.Id), types.UnbondingRow(c.Provider, ripe), unbonds)
}

// saveStake keeps a record while it means something.
func (k *Keeper) saveStake(ctx sdk.Context, s types.ContainerStake) error {
	if s.Spent() {
		return k.stakes.Remove(ctx, s.Container)
	}
	return k.stakes.Set(ctx, s.Container, s)
}

func (k *Keeper) removeContainer(ctx sdk.Context, c types.Container, edits *shardEdits) error {
	prev, err := k.Status(ctx, c.Id)
	if err != nil {
		return err
	}
	next, err := prev.Retire()
	if err != nil {
		return err
	}
	if err := edits.follow(ctx, prev, next); err != nil {
		return err
	}
	if err := k.stream.RemovePosition(ctx, c.Id); err != nil {
		return err
	}
	if err := k.statuses.Remove(ctx, c.Id); err != nil {
		return err
	}
	if err := k.lastSeen.Remove(ctx, c.Id); err != nil {
		return err
	}
	if err := k.containers.Remove(ctx, c.Id); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventContainerStatusChanged{Status: next, Previous: prev.State})
}

// WithdrawStake pays the owner what has finished unbonding. Anybody may ask for it.
func (k *Keeper) WithdrawStake(ctx sdk.Context, owner sdk.AccAddress) (math.Int, error) {
	paid, more, err := k.vault.WithdrawRipe(ctx, athtypes.RowKind_ROW_KIND_UNBONDING, owner, owner)
	if err != nil {
		return math.Int{}, err
	}
	if !paid.IsPositive() {
		return math.Int{}, types.ErrNothingRipe.Wrapf("owner %s", k.text(owner))
	}
	if more {
		k.logger.Debug("more ripe stake than one message pays", "owner", k.text(owner))
	}
	return paid, athtypes.Emit(ctx, &types.EventStakeWithdrawn{Owner: k.text(owner), Amount: paid})
}

// TopUpStake adds what Containers lack of the stake that they must bond, at most max in all; those that lack none are left
// as they are.
func (k *Keeper) TopUpStake(ctx sdk.Context, owner sdk.AccAddress, ids []uint64, most math.Int) (math.Int, error) {
	containers, err := k.containersOf(ctx, ids)
	if err != nil {
		return math.Int{}, err
	}
	if name := k.text(owner); containers[0].Provider != name {
		return math.Int{}, types.ErrUnauthorized.Wrapf("container %d is of provider %s", ids[0], containers[0].Provider)
	}
	total := math.ZeroInt()
	for _, c := range containers {
		added, err := k.topUp(ctx, owner, c)
		if err != nil {
			return math.Int{}, err
		}
		total = total.Add(added)
	}
	if total.IsZero() {
		return total, types.ErrFullyStaked.Wrapf("%d containers have what they must bond", len(ids))
	}
	if total.GT(most) {
		return total, types.ErrStakeAboveMax.Wrapf("%s uath are missing, max_stake is %s", total, most)
	}
	return total, nil
}

func (k *Keeper) topUp(ctx sdk.Context, owner sdk.AccAddress, c types.Container) (math.Int, error) {
	stake, bonded, err := k.stakeOf(ctx, c)
	if err != nil {
		return math.Int{}, err
	}
	missing := stake.Required.Sub(bonded)
	if !missing.IsPositive() {
		return math.ZeroInt(), nil
	}
	if err := k.vault.Deposit(ctx, owner, types.StakeRow(c.Provider, c.Id), missing); err != nil {
		return math.Int{}, err
	}
	if err := k.noteStake(ctx, c.Id, false); err != nil {
		return math.Int{}, err
	}
	return missing, athtypes.Emit(ctx, &types.EventStakeToppedUp{Container: c.Id, Amount: missing})
}

// noteStake notes in a living Container's status whether stake is missing, and all that follows from it.
func (k *Keeper) noteStake(ctx sdk.Context, id uint64, missing bool) error {
	prev, err := k.Status(ctx, id)
	if err != nil {
		return err
	}
	next := prev
	next.UnderStaked = missing
	return k.change(ctx, prev, next, nil)
}
