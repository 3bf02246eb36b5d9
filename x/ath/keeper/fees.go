// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"bytes"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// How much of the service fees that wait for the verdict horizon came of a provider's payments bounds what a refund may take out of them. For
// uath its delivery weight says it. Payments in other denoms give no weight (docs/adr/0019-stable-denoms.md), so they are counted here. An
// entry of an epoch that has closed is of no use; it goes when the provider has one in a new epoch, so there are few of each provider.

func (k *Keeper) addFeeDelta(ctx sdk.Context, provider []byte, denom string, epoch uint64, fee math.Int) error {
	target, err := collections.EncodeKeyWithPrefix([]byte{types.DeltaFee}, feeKeyCodec, collections.Join3(provider, denom, epoch))
	if err != nil {
		return err
	}
	return k.addDelta(ctx, target, fee)
}

func (k *Keeper) foldFees(ctx sdk.Context) error {
	return k.fold(ctx, types.DeltaFee, func(target []byte, sum math.Int) error {
		_, key, err := feeKeyCodec.Decode(target)
		if err != nil {
			return err
		}
		return k.addProviderFee(ctx, key, sum)
	})
}

// addProviderFee changes an entry; the first of a provider in a new epoch lets go of those of closed ones.
func (k *Keeper) addProviderFee(ctx sdk.Context, key feeKey, change math.Int) error {
	has, err := k.providerFees.Has(ctx, key)
	if err != nil {
		return err
	}
	if !has {
		if err := k.forgetFees(ctx, key.K1()); err != nil {
			return err
		}
	}
	fee, err := k.providerFee(ctx, key)
	if err != nil {
		return err
	}
	switch fee = fee.Add(change); {
	case fee.IsNegative():
		return types.ErrInvariant.Wrapf("fees of %X in epoch %d fall to %s%s", key.K1(), key.K3(), fee, key.K2())
	case fee.IsZero():
		return k.providerFees.Remove(ctx, key)
	}
	return k.providerFees.Set(ctx, key, fee)
}

// providerFee is an entry; zero where there is none.
func (k *Keeper) providerFee(ctx sdk.Context, key feeKey) (math.Int, error) {
	fee, err := k.providerFees.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt(), nil
	}
	return fee, err
}

// forgetFees removes a provider's entries of closed epochs.
func (k *Keeper) forgetFees(ctx sdk.Context, provider []byte) error {
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return err
	}
	var old []feeKey
	all := collections.NewPrefixedTripleRange[[]byte, string, uint64](provider)
	err = k.providerFees.Walk(ctx, all, func(key feeKey, _ math.Int) (bool, error) {
		if key.K3() <= closed {
			old = append(old, key)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := k.providerFees.Remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) importFees(ctx sdk.Context, state *types.GenesisState) error {
	var last feeKey
	for i, fee := range state.ProviderFees {
		provider, err := k.addresses.StringToBytes(fee.Provider)
		if err != nil {
			return types.ErrInvalidGenesis.Wrapf("provider_fees[%d].provider: %s", i, err)
		}
		key := collections.Join3(provider, fee.Denom, fee.Epoch)
		if i > 0 && !feeBefore(last, key) {
			return types.ErrInvalidGenesis.Wrapf("provider_fees[%d] is out of order", i)
		}
		if err := k.providerFees.Set(ctx, key, fee.Amount); err != nil {
			return err
		}
		last = key
	}
	return nil
}

func feeBefore(a, b feeKey) bool {
	if c := bytes.Compare(a.K1(), b.K1()); c != 0 {
		return c < 0
	}
	return a.K2() < b.K2() || a.K2() == b.K2() && a.K3() < b.K3()
}

func (k *Keeper) exportFees(ctx sdk.Context, state *types.GenesisState) error {
	return k.providerFees.Walk(ctx, nil, func(key feeKey, amount math.Int) (bool, error) {
		provider, err := k.addresses.BytesToString(key.K1())
		state.ProviderFees = append(state.ProviderFees, types.ProviderFee{Provider: provider, Denom: key.K2(), Epoch: key.K3(), Amount: amount})
		return false, err
	})
}

// checkProviderFees: the service fees that wait in another denom than uath are what providers' payments left of them, epoch by epoch (A21).
func (k *Keeper) checkProviderFees(ctx sdk.Context) error {
	closed, err := k.closedEpoch.Get(ctx)
	if err != nil {
		return err
	}
	type id struct {
		denom string
		epoch uint64
	}
	sums := map[id]math.Int{}
	err = k.providerFees.Walk(ctx, nil, func(key feeKey, amount math.Int) (bool, error) {
		at := id{key.K2(), key.K3()}
		switch {
		case key.K2() == types.Denom || !amount.IsPositive():
			return true, types.ErrInvariant.Wrapf("fees of %X in epoch %d: %s%s", key.K1(), key.K3(), amount, key.K2())
		case key.K3() <= closed:
		case sums[at].IsNil():
			sums[at] = amount
		default:
			sums[at] = sums[at].Add(amount)
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	prefix := collections.QuadPrefix[uint32, []byte, uint64, string](uint32(types.RowKind_ROW_KIND_FEES_PENDING))
	err = k.rows.Walk(ctx, new(collections.Range[rowKey]).Prefix(prefix), func(key rowKey, amount math.Int) (bool, error) {
		at := id{key.K4(), key.K3()}
		if key.K4() == types.Denom {
			return false, nil
		}
		if sum := sums[at]; sum.IsNil() || !sum.Equal(amount) {
			return true, types.ErrInvariant.Wrapf("%s%s of service fees wait of epoch %d, of providers' payments %s", amount, key.K4(), key.K3(), sum)
		}
		delete(sums, at)
		return false, nil
	})
	if err == nil && len(sums) > 0 {
		err = types.ErrInvariant.Wrapf("service fees of providers wait in no row: %d epochs and denoms", len(sums))
	}
	return err
}
