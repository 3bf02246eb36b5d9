// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

func TestClaimVestsAndWithdrawPaysWhatIsRipe(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(time.Second, deposit(f.k, user(0), row, 10_000_000))
	f.block(time.Second, pay(f.k, row, user(1), nil, 5_000_000)) // 4,000,000 income, 1,000,000 fee
	for range 3 {
		f.nextEpoch()
	}
	withdraw := func(signer, beneficiary int, want int64) func(sdk.Context) error {
		return func(ctx sdk.Context) error {
			res, err := f.msgs.Withdraw(ctx, &types.MsgWithdraw{Signer: bech(user(signer)), Beneficiary: bech(user(beneficiary))})
			if err == nil {
				require.Equal(t, want, res.Amount.AmountOf(types.Denom).Int64())
				require.False(t, res.More)
			}
			return err
		}
	}
	f.block(time.Second, claim(f, user(1), nil), withdraw(1, 1, 120_000), withdraw(1, 1, 0), claim(f, user(1), nil))
	require.Equal(t, int64(testFund+120_000), f.balance(user(1), types.Denom))

	// Somebody else may trigger it; the coins go where the beneficiary wants them.
	f.block(10*time.Minute, func(ctx sdk.Context) error { return f.k.SetPayout(ctx, user(1), user(2)) })
	f.block(10*time.Minute, withdraw(9, 1, 120_000+4_000_000))
	require.Equal(t, int64(testFund+4_120_000), f.balance(user(2), types.Denom))
	require.Equal(t, int64(testFund), f.balance(user(9), types.Denom))
	require.Len(t, export(t, f).Payouts, 1)
	f.block(10*time.Minute, func(ctx sdk.Context) error { return f.k.SetPayout(ctx, user(1), nil) }, withdraw(1, 1, 160_000))
	require.Equal(t, int64(testFund+280_000), f.balance(user(1), types.Denom))
	require.Empty(t, export(t, f).Payouts)
	for _, kind := range types.VestingKinds() {
		has, err := f.k.HasRows(f.ctx, kind, user(1))
		require.NoError(t, err)
		require.False(t, has, kind)
	}
}

func TestMsgServerRefuses(t *testing.T) {
	f := newFixture(t, shortParams())
	me, bad := bech(user(1)), "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn"
	broken := shortParams()
	broken.KappaDeliveryPpm = types.PPM
	for name, tc := range map[string]struct {
		run   func(sdk.Context) error
		field string
	}{
		"claim by nobody":             {claimMsg(f, types.MsgClaim{}), "signer"},
		"claim by a foreign address":  {claimMsg(f, types.MsgClaim{Signer: bad}), "signer"},
		"claim for a foreign address": {claimMsg(f, types.MsgClaim{Signer: me, Beneficiary: bad}), "beneficiary"},
		"claim of fees":               {claimMsg(f, types.MsgClaim{Signer: me, Ledgers: []types.Ledger{types.Ledger_LEDGER_FEES}}), "ledgers[0]"},
		"claim of no ledger":          {claimMsg(f, types.MsgClaim{Signer: me, Ledgers: []types.Ledger{42}}), "ledgers[0]"},
		"claim of an unknown container": {
			claimMsg(f, types.MsgClaim{Signer: me, Containers: []uint64{42}}), "containers[0]",
		},
		"claim of too many containers": {
			claimMsg(f, types.MsgClaim{Signer: me, Containers: make([]uint64, types.MaxClaimContainers+1)}), "containers",
		},
		"withdraw by nobody": {func(ctx sdk.Context) error {
			_, err := f.msgs.Withdraw(ctx, &types.MsgWithdraw{})
			return err
		}, "signer"},
		"withdraw for a foreign address": {func(ctx sdk.Context) error {
			_, err := f.msgs.Withdraw(ctx, &types.MsgWithdraw{Signer: me, Beneficiary: bad})
			return err
		}, "beneficiary"},
		"params by somebody": {func(ctx sdk.Context) error {
			_, err := f.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: me, Params: shortParams()})
			return err
		}, "authority"},
		"params that don't hold": {func(ctx sdk.Context) error {
			_, err := f.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: f.k.authority, Params: broken})
			return err
		}, "kappa_delivery_ppm"},
	} {
		t.Run(name, func(t *testing.T) {
			before := export(t, f)
			f.open(time.Nanosecond)
			require.ErrorContains(t, f.tx(0, tc.run), tc.field)
			f.close()
			after := export(t, f)
			after.Beacon, after.Beacons = before.Beacon, before.Beacons
			require.Equal(t, before, after)
		})
	}
}

func claimMsg(f *fixture, msg types.MsgClaim) func(sdk.Context) error {
	return func(ctx sdk.Context) error {
		_, err := f.msgs.Claim(ctx, &msg)
		return err
	}
}
