// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// Stake says what a registration would bond now.
func (k *Keeper) Stake(ctx sdk.Context, class string, tier types.Tier, count uint32) (math.Int, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return math.Int{}, err
	}
	c, err := k.Class(ctx, class)
	if err != nil {
		return math.Int{}, err
	}
	return params.StakeRoundedUp(c, tier, count), nil
}

// Bonded is the stake behind a living Container.
func (k *Keeper) Bonded(ctx sdk.Context, c types.Container) (math.Int, error) {
	return k.vault.RowAmount(ctx, stakeRow(c.Provider, c.Id))
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
	unbonding := athtypes.Row{
		Kind: athtypes.RowKind_ROW_KIND_UNBONDING, Owner: provider.Owner, Denom: athtypes.Denom,
		Bucket: types.SecondRoundedUp(ctx.BlockTime().Add(params.UnbondingTime)),
	}
	total, edits := math.ZeroInt(), k.editShards()
	for _, c := range containers {
		if err := k.removeContainer(ctx, c, edits); err != nil {
			return math.Int{}, err
		}
		stake, err := k.Bonded(ctx, c)
		if err != nil {
			return math.Int{}, err
		}
		if err := k.vault.Move(ctx, stakeRow(c.Provider, c.Id), unbonding, stake); err != nil {
			return math.Int{}, err
		}
		total = total.Add(stake)
	}
	if err := edits.save(ctx); err != nil {
		return math.Int{}, err
	}
	provider.Containers -= uint64(len(containers))
	return total, k.providers.Set(ctx, owner, provider)
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
	return ctx.EventManager().EmitTypedEvent(&types.EventContainerStatusChanged{Status: next, Previous: prev.State})
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
	return paid, ctx.EventManager().EmitTypedEvent(&types.EventStakeWithdrawn{Owner: k.text(owner), Amount: paid})
}
