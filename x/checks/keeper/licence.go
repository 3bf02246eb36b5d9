// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"errors"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

// BuyLicences bonds params.licence_bond for each of count new licences, and offers them to an operator where one is given.
func (k *Keeper) BuyLicences(ctx sdk.Context, owner sdk.AccAddress, count uint32, operator sdk.AccAddress) ([]uint64, error) {
	params, err := k.Params(ctx)
	if err != nil {
		return nil, err
	}
	have, err := k.count.Get(ctx)
	if err != nil {
		return nil, err
	}
	if have+uint64(count) > params.MaxLicences {
		return nil, types.ErrTooManyLicences.Wrapf("count: %d exist, at most %d may, %d asked for", have, params.MaxLicences, count)
	}
	next, err := k.nextLicence.Get(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]uint64, 0, count)
	for id := next; id < next+uint64(count); id++ {
		if err := k.buyLicence(ctx, id, owner, operator, params.LicenceBond); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if err := k.count.Set(ctx, have+uint64(count)); err != nil {
		return nil, err
	}
	return ids, k.nextLicence.Set(ctx, next+uint64(count))
}

func (k *Keeper) buyLicence(ctx sdk.Context, id uint64, owner, operator sdk.AccAddress, bond math.Int) error {
	name, err := k.addresses.BytesToString(owner)
	if err != nil {
		return err
	}
	licence := types.NewLicence(id, name)
	if len(operator) > 0 {
		if licence, err = k.offer(ctx, licence, operator); err != nil {
			return err
		}
	}
	if err := k.saveLicence(ctx, types.Licence{}, licence); err != nil {
		return err
	}
	return k.vault.Deposit(ctx, owner, bondRow(name, id), bond)
}

// EndLicences ends licences of an owner: the bond unbonds, the seat goes when seats next change.
func (k *Keeper) EndLicences(ctx sdk.Context, owner sdk.AccAddress, ids []uint64) error {
	params, err := k.Params(ctx)
	if err != nil {
		return err
	}
	ripe := ripeSecondRoundedUp(ctx.BlockTime().Add(params.UnbondingTime))
	err = k.eachOwned(ctx, owner, ids, func(licence types.Licence) error {
		from := bondRow(licence.Owner, licence.Id)
		to := athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_LICENCE_UNBONDING, Owner: licence.Owner, Bucket: ripe, Denom: athtypes.Denom}
		if err := k.moveBond(ctx, from, to); err != nil {
			return err
		}
		if err := k.licences.Remove(ctx, licence.Id); err != nil {
			return err
		}
		if err := k.passBonus(ctx, licence.Id, licence.Owner, ""); err != nil {
			return err
		}
		if err := k.queueSeat(ctx, licence.Id, licence.Sitter(), ""); err != nil {
			return err
		}
		return athtypes.Emit(ctx, &types.EventLicenceEnded{Id: licence.Id, Owner: licence.Owner})
	})
	if err != nil {
		return err
	}
	have, err := k.count.Get(ctx)
	if err != nil {
		return err
	}
	return k.count.Set(ctx, have-uint64(len(ids)))
}

// TransferLicences gives licences with their bonds to a new owner; they become idle.
func (k *Keeper) TransferLicences(ctx sdk.Context, owner, recipient sdk.AccAddress, ids []uint64) error {
	to, err := k.addresses.BytesToString(recipient)
	if err != nil {
		return err
	}
	return k.eachOwned(ctx, owner, ids, func(licence types.Licence) error {
		changed, err := licence.Transfer(to)
		if err != nil {
			return err
		}
		if err := k.saveLicence(ctx, licence, changed); err != nil {
			return err
		}
		if err := k.passBonus(ctx, licence.Id, licence.Owner, to); err != nil {
			return err
		}
		return k.moveBond(ctx, bondRow(licence.Owner, licence.Id), bondRow(to, licence.Id))
	})
}

// DelegateLicences offers licences to an operator, or takes them back where the operator is empty.
func (k *Keeper) DelegateLicences(ctx sdk.Context, owner, operator sdk.AccAddress, ids []uint64) error {
	return k.eachOwned(ctx, owner, ids, func(licence types.Licence) error {
		var changed types.Licence
		var err error
		if len(operator) == 0 {
			changed, err = licence.TakeBack()
		} else {
			changed, err = k.offer(ctx, licence, operator)
		}
		if err != nil {
			return err
		}
		return k.saveLicence(ctx, licence, changed)
	})
}

// AcceptLicences makes offered licences active, and those of the operator whose ban has ended.
func (k *Keeper) AcceptLicences(ctx sdk.Context, operator sdk.AccAddress, ids []uint64) error {
	name, err := k.addresses.BytesToString(operator)
	if err != nil {
		return err
	}
	return k.eachLicence(ctx, ids, func(licence types.Licence) error {
		changed, err := licence.Accept(name, ctx.BlockTime())
		if err != nil {
			return err
		}
		return k.saveLicence(ctx, licence, changed)
	})
}

// WithdrawBonds pays an owner's bonds whose unbonding has ended.
func (k *Keeper) WithdrawBonds(ctx sdk.Context, owner sdk.AccAddress) (paid math.Int, more bool, err error) {
	paid, more, err = k.vault.WithdrawRipe(ctx, athtypes.RowKind_ROW_KIND_LICENCE_UNBONDING, owner, owner)
	if err != nil {
		return paid, more, err
	}
	if !paid.IsPositive() {
		return paid, more, types.ErrNothingRipe.Wrapf("owner: no bond of %s has finished unbonding", owner)
	}
	return paid, more, nil
}

// offer offers a licence to an operator.
func (k *Keeper) offer(ctx sdk.Context, licence types.Licence, operator sdk.AccAddress) (types.Licence, error) {
	name, err := k.addresses.BytesToString(operator)
	if err != nil {
		return licence, err
	}
	return licence.Offer(name, ctx.BlockTime())
}

// saveLicence stores a changed licence, queues its seat where another operator shall sit, and tells.
func (k *Keeper) saveLicence(ctx sdk.Context, before, after types.Licence) error {
	if err := k.licences.Set(ctx, after.Id, after); err != nil {
		return err
	}
	if err := k.queueSeat(ctx, after.Id, before.Sitter(), after.Sitter()); err != nil {
		return err
	}
	return athtypes.Emit(ctx, &types.EventLicenceChanged{Licence: after})
}

// eachOwned calls f with each licence after checking that it is the owner's.
func (k *Keeper) eachOwned(ctx sdk.Context, owner sdk.AccAddress, ids []uint64, f func(types.Licence) error) error {
	name, err := k.addresses.BytesToString(owner)
	if err != nil {
		return err
	}
	return k.eachLicence(ctx, ids, func(licence types.Licence) error {
		if licence.Owner != name {
			return types.ErrUnauthorized.Wrapf("ids: licence %d is %s's, not %s's", licence.Id, licence.Owner, name)
		}
		return f(licence)
	})
}

func (k *Keeper) eachLicence(ctx sdk.Context, ids []uint64, f func(types.Licence) error) error {
	for _, id := range ids {
		licence, err := k.Licence(ctx, id)
		if err != nil {
			return err
		}
		if err := f(licence); err != nil {
			return err
		}
	}
	return nil
}

// Licence returns a licence; ErrLicenceNotFound.
func (k *Keeper) Licence(ctx sdk.Context, id uint64) (types.Licence, error) {
	licence, err := k.licences.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return licence, types.ErrLicenceNotFound.Wrapf("id: %d", id)
	}
	return licence, err
}

// moveBond moves all that a bond row holds; the bond may have been of another size when it was paid.
func (k *Keeper) moveBond(ctx sdk.Context, from, to athtypes.Row) error {
	bond, err := k.vault.RowAmount(ctx, from)
	if err != nil {
		return err
	}
	return k.vault.Move(ctx, from, to, bond)
}

func bondRow(owner string, licence uint64) athtypes.Row {
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_LICENCE, Owner: owner, Bucket: licence, Denom: athtypes.Denom}
}

// ripeSecondRoundedUp is the first whole second that is not before t, so that nothing is paid early.
func ripeSecondRoundedUp(t time.Time) uint64 {
	if t.Nanosecond() > 0 {
		t = t.Add(time.Second)
	}
	return uint64(max(t.Unix(), 0))
}
