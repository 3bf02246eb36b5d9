// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// Stable denoms of the tests; the second is allowed too.
const (
	usdc  = "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"
	other = "uusdt"
)

// allow replaces the stable denoms that are allowed.
func (w *world) allow(denoms ...string) {
	w.tb.Helper()
	params, err := w.k.params.Get(w.ctx)
	require.NoError(w.tb, err)
	params.StableDenoms = denoms
	_, err = w.msgs.UpdateParams(w.ctx, &types.MsgUpdateParams{Authority: w.authority.String(), Params: params})
	require.NoError(w.tb, err)
}

func (w *world) fundIn(who sdk.AccAddress, denom string, amount int64) {
	w.tb.Helper()
	row := in("bank/"+who.String(), denom)
	require.NoError(w.tb, w.vault.rows.Set(w.ctx, row, w.vault.get(w.ctx, row).AddRaw(amount)))
}

func (w *world) balanceIn(who sdk.AccAddress, denom string) int64 {
	return w.vault.get(w.ctx, "prepaid/"+who.String()+"/"+denom).Int64()
}

func (w *world) earnedIn(owner uint64, denom string) int64 {
	return w.vault.get(w.ctx, in("earned/"+provider(owner).String(), denom)).Int64()
}

// addOfferIn registers a Container with an offer of so many smallest units per second.
func (w *world) addOfferIn(id, owner uint64, denom string, perSecond int64) {
	w.tb.Helper()
	w.addContainer(id, owner)
	o := offer(id, perSecond)
	o.Denom = denom
	require.NoError(w.tb, w.k.SetOffers(w.ctx, provider(owner), []types.Offer{o}))
}

// orderIn is an order of offers in a denom, paid in another or the same, that carries its own deposit, which the tenant has.
func (w *world) orderIn(who sdk.AccAddress, price, pays string, deposit int64, candidates ...uint64) *types.MsgCreateLease {
	w.fundIn(who, pays, deposit)
	msg := order(who, 0, candidates...)
	msg.PriceDenom, msg.PayDenom, msg.Deposit = price, pays, sdk.NewInt64Coin(pays, deposit)
	return msg
}

// TestAStableDenomPays: a lease in it costs its account what one in uath would cost that one, and touches nothing else of the tenant's; numbers
// are the tenant's, whichever denom pays.
func TestAStableDenomPays(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc, other)
	w.addOffer(1, 1, 10)
	w.addOfferIn(2, 2, usdc, 7)
	w.addOfferIn(3, 2, other, 3)
	first := w.open(w.orderIn(tenant(1), usdc, usdc, 10_000, 2))
	second := w.open(orderFunded(w, tenant(1), 100_000, 1))
	msg := w.orderIn(tenant(1), other, other, 10_000, 3)
	msg.PayDenom = "" // the price's own
	third := w.open(msg)
	require.Equal(t, []uint64{1, 2, 3}, []uint64{first.Number, second.Number, third.Number})
	w.check()
	for _, id := range []types.LeaseID{first, second, third} {
		w.start(id)
	}
	w.pass(100 * time.Second)
	for _, id := range []types.LeaseID{first, second, third} {
		w.settled(id)
	}
	w.check()
	require.Equal(t, []int64{1000, 0, 0}, []int64{w.earned(1), w.earnedIn(1, usdc), w.earnedIn(1, other)})
	require.Equal(t, []int64{0, 700, 300}, []int64{w.earned(2), w.earnedIn(2, usdc), w.earnedIn(2, other)})
	require.Equal(t, []int64{99_000, 9_300, 9_700}, []int64{w.balance(tenant(1)), w.balanceIn(tenant(1), usdc), w.balanceIn(tenant(1), other)})
	receipt := w.close(tenant(1), first, types.CloseReason_CLOSE_REASON_TENANT)
	require.Equal(t, usdc, receipt.Denom)
	require.Equal(t, int64(700), receipt.Billed.Int64())

	w.pass(2 * time.Hour) // the third account runs dry, the others don't
	_, err := w.k.Lease(w.ctx, third)
	require.ErrorIs(t, err, types.ErrLeaseClosed)
	require.Equal(t, int64(9_999), w.earnedIn(2, other), "the last whole unit that it pays for")
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(second).State)
	w.check()
	paid, err := w.k.Withdraw(w.ctx, tenant(1), sdk.NewInt64Coin(usdc, 0))
	require.NoError(t, err)
	require.Equal(t, int64(9_300), paid.Amount.Int64())
	require.Equal(t, int64(9_300), w.vault.get(w.ctx, in("bank/"+tenant(1).String(), usdc)).Int64())

	fourth := w.open(w.orderIn(tenant(1), usdc, usdc, 10_000, 2))
	require.Equal(t, uint64(4), fourth.Number, "no number is used twice")
	w.check()
}

// TestAStableDenomPaysUSDAtPar: the same numbers as the offer's in musd, also while nobody knows what an ATH is worth; who pays in uath has to
// wait.
func TestAStableDenomPaysUSDAtPar(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	w.addContainer(1, 1)
	o := usdOffer(1, 50)
	o.StorageRate, o.StandbyRate = math.NewInt(10_000_000), math.NewInt(20_000_000)
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	require.ErrorIs(t, w.create(orderUSD(w, tenant(1), 100_000, 1)), athtypes.ErrNoPrice)

	msg := w.orderIn(tenant(1), types.MicroUSD, usdc, 20_000)
	msg.Requirement = &types.Requirement{Class: "cpu"}
	msg.MaxRate, msg.Grace = math.NewInt(50_000_000), time.Minute
	id := w.open(msg)
	lease := w.lease(id)
	require.Equal(t, []string{usdc, ""}, []string{lease.Denom, lease.PriceDenom})
	require.Nil(t, lease.UsdIndex)
	require.Equal(t, []int64{50 * 60, 600}, []int64{lease.Reserve.Int64(), lease.GraceReserve.Int64()})
	w.start(id)
	w.pass(100 * time.Second)
	w.settled(id)
	require.Equal(t, int64(5_000), w.earnedIn(1, usdc))
	w.check()
	w.pass(5 * time.Minute) // used up: it pauses at the storage rate
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(id).State)
	w.check()
	resume := func(coin sdk.Coin) error {
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.ResumeLease(ctx, &types.MsgResumeLease{Tenant: id.Tenant.String(), LeaseId: id.String(), Deposit: coin})
			return err
		})
	}
	w.fund(tenant(1), 50_000)
	require.ErrorIs(t, resume(sdk.NewInt64Coin(athtypes.Denom, 50_000)), types.ErrForeignDenom, "no deposit counts in another denom")
	require.ErrorIs(t, resume(sdk.Coin{}), types.ErrInsufficientDeposit)
	w.pass(time.Hour)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
	require.Equal(t, int64(20_000), w.earnedIn(1, usdc))
	w.check()
}

func orderUSD(w *world, who sdk.AccAddress, deposit int64, candidates ...uint64) *types.MsgCreateLease {
	msg := orderFunded(w, who, deposit, candidates...)
	msg.PriceDenom = types.MicroUSD
	return msg
}

// TestADenomTakenOffTheList gets nothing new. What runs in it goes on, and everybody gets his money out.
func TestADenomTakenOffTheList(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	w.addOfferIn(1, 1, usdc, 10)
	w.addOfferIn(2, 1, usdc, 10)
	w.addContainer(3, 1)
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{usdOffer(3, 10)}))
	timed := w.orderIn(tenant(1), usdc, usdc, 10_000_000, 1)
	timed.Duration = time.Hour
	id := w.open(timed)
	w.start(id)
	w.fundIn(tenant(2), usdc, 3_000_000)
	_, err := w.k.Deposit(w.ctx, tenant(2), tenant(1), sdk.NewInt64Coin(usdc, 2_000_000))
	require.NoError(t, err)
	w.allow()

	w.fundIn(tenant(1), usdc, 10_000)
	_, err = w.k.Deposit(w.ctx, tenant(1), tenant(1), sdk.NewInt64Coin(usdc, 10_000))
	require.ErrorIs(t, err, types.ErrForeignDenom)
	require.ErrorContains(t, err, "want uath")
	_, err = w.k.Deposit(w.ctx, tenant(2), tenant(1), sdk.NewInt64Coin(usdc, 1_000_000))
	require.ErrorIs(t, err, types.ErrForeignDenom)
	o := offer(2, 5)
	o.Denom = usdc
	require.ErrorIs(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}), types.ErrForeignDenom)
	for _, price := range []string{usdc, types.MicroUSD} {
		msg := order(tenant(1), 0, 2, 3)
		msg.PriceDenom, msg.PayDenom, msg.Deposit = price, usdc, sdk.Coin{}
		require.ErrorIs(t, w.create(msg), types.ErrForeignDenom)
	}
	_, err = w.k.UpdateLease(w.ctx, id, &types.MsgUpdateLease{ExtendBy: time.Hour})
	require.ErrorIs(t, err, types.ErrForeignDenom)

	listed, delisted, err := w.k.RefreshOffers(w.ctx, []uint64{1, 2, 3})
	require.NoError(t, err)
	require.Empty(t, listed)
	require.Equal(t, []uint64{2}, delisted, "an offer that nobody can pay is in nobody's way, and no supply")
	w.pass(100 * time.Second)
	w.settled(id)
	require.Equal(t, int64(1_000), w.earnedIn(1, usdc))
	w.check()
	back, err := w.k.ReclaimDeposit(w.ctx, tenant(2), tenant(1), tenant(2), sdk.NewInt64Coin(usdc, 0), 0)
	require.NoError(t, err)
	require.Equal(t, int64(2_000_000-1_000), back.Amount.Int64())
	w.close(tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT)
	paid, err := w.k.Withdraw(w.ctx, tenant(1), sdk.NewInt64Coin(usdc, 0))
	require.NoError(t, err)
	require.Equal(t, int64(10_000_000), paid.Amount.Int64())
	w.check()
	_, err = w.k.Withdraw(w.ctx, tenant(1), sdk.NewInt64Coin(usdc, 0))
	require.ErrorIs(t, err, types.ErrForeignDenom)
}

// TestDenomsDoNotMultiplyBounds: leases in all denoms count together, those that are open and those that have not started.
func TestDenomsDoNotMultiplyBounds(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc, other)
	params, err := w.k.params.Get(w.ctx)
	require.NoError(t, err)
	params.MaxOpenLeases, params.MaxUnstarted = 4, 2
	require.NoError(t, w.k.params.Set(w.ctx, params))
	for i, denom := range []string{athtypes.Denom, usdc, other, athtypes.Denom, usdc, other} {
		w.addOfferIn(uint64(i+1), 1, denom, 10)
		w.fundIn(tenant(1), denom, 10_000)
		require.NoError(t, w.try(func(ctx sdk.Context) error {
			_, err := w.k.Deposit(ctx, tenant(1), tenant(1), sdk.NewInt64Coin(denom, 10_000))
			return err
		}))
	}
	lease := func(denom string, container uint64) (types.LeaseID, error) {
		msg := order(tenant(1), 0, container)
		msg.PriceDenom, msg.Deposit = denom, sdk.Coin{}
		err := w.create(msg)
		if err != nil {
			return types.LeaseID{}, err
		}
		status, err := w.providers.Status(w.ctx, container)
		require.NoError(t, err)
		id, err := types.ParseLeaseID(status.Lease)
		w.check()
		return id, err
	}
	first, err := lease(usdc, 2)
	require.NoError(t, err)
	second, err := lease(athtypes.Denom, 1)
	require.NoError(t, err)
	for denom, container := range map[string]uint64{usdc: 5, other: 3, athtypes.Denom: 4} {
		_, err = lease(denom, container)
		require.ErrorIs(t, err, types.ErrTooManyLeases, denom)
		require.ErrorContains(t, err, "not started")
	}
	w.start(first)
	w.start(second)
	w.check()
	third, err := lease(other, 3)
	require.NoError(t, err)
	w.start(third)
	fourth, err := lease(athtypes.Denom, 4)
	require.NoError(t, err)
	w.start(fourth)
	for denom, container := range map[string]uint64{usdc: 5, other: 6} {
		_, err = lease(denom, container)
		require.ErrorIs(t, err, types.ErrTooManyLeases, denom)
	}
	w.close(tenant(1), second, types.CloseReason_CLOSE_REASON_TENANT)
	fifth, err := lease(usdc, 5)
	require.NoError(t, err)
	require.Equal(t, uint64(5), fifth.Number)
	_, err = lease(athtypes.Denom, 1)
	require.ErrorIs(t, err, types.ErrTooManyLeases)
}

// TestSupplyInAStableDenom: compared with the class's ceiling at the price of now, like supply in USD.
func TestSupplyInAStableDenom(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	offered := func(id uint64) bool {
		status, err := w.providers.Status(w.ctx, id)
		require.NoError(t, err)
		return status.Offered
	}
	w.addOfferIn(1, 1, usdc, 400)
	require.False(t, offered(1), "no price is known")
	w.vault.setPrice(w.ctx.BlockTime(), 2)
	w.addOfferIn(2, 1, usdc, 500) // 1,000 uath, which is the ceiling
	require.True(t, offered(2))
	w.addOfferIn(3, 1, usdc, 501)
	require.False(t, offered(3))
}

// TestBatchInAStableDenom: one message, one account, numbers in a row.
func TestBatchInAStableDenom(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	w.addOfferIn(1, 1, usdc, 10)
	w.addOfferIn(2, 1, usdc, 10)
	w.addOffer(3, 1, 10)
	w.fundIn(tenant(1), usdc, 50_000)
	orders := func(denoms ...string) *types.MsgCreateLeases {
		msg := &types.MsgCreateLeases{Tenant: tenant(1).String(), Deposit: sdk.NewInt64Coin(usdc, 50_000), Partial: true}
		for i, denom := range denoms {
			o := order(tenant(1), 0, uint64(i+1))
			o.Deposit, o.PriceDenom = sdk.Coin{}, denom
			msg.Orders = append(msg.Orders, *o)
		}
		return msg
	}
	for _, bad := range []*types.MsgCreateLeases{orders(usdc, athtypes.Denom), orders(athtypes.Denom, athtypes.Denom)} {
		_, err := w.msgs.CreateLeases(w.ctx, bad)
		require.ErrorIs(t, err, types.ErrForeignDenom)
	}
	msg := orders(usdc, usdc)
	msg.Orders = append(msg.Orders, msg.Orders[0]) // taken by then
	res, err := w.msgs.CreateLeases(w.ctx, msg)
	require.NoError(t, err)
	require.NotEmpty(t, res.Results[2].Error)
	w.check()
	account, err := w.k.accounts.Get(w.ctx, collections.Join(tenant(1), athtypes.Denom))
	require.NoError(t, err)
	require.Equal(t, []uint64{3, 2, 2}, []uint64{account.NextNumber, uint64(account.OtherLeases), uint64(account.OtherUnstarted)})
	require.Equal(t, uint64(3), w.open(orderFunded(w, tenant(1), 100_000, 3)).Number)
	w.check()
}

// TestUathLeasesWriteNoMoreForStableDenoms: opening, starting and closing a lease in uath write as many keys as without any; one in a stable
// denom writes its tenant's uath account besides.
func TestUathLeasesWriteNoMoreForStableDenoms(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	for id := uint64(1); id <= 4; id++ {
		w.addOfferIn(id, 1, []string{athtypes.Denom, usdc}[(id-1)%2], 10)
	}
	count := func(denom string, container uint64) (keys [3]int) {
		msg := w.orderIn(tenant(1), denom, denom, 100_000, container)
		var id types.LeaseID
		keys[0] = w.writes.count(func() { id = w.open(msg) })
		keys[1] = w.writes.count(func() { w.start(id) })
		keys[2] = w.writes.count(func() { w.close(tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT) })
		return keys
	}
	first := count(athtypes.Denom, 1) // the account comes into the queue, and stays there
	without := count(athtypes.Denom, 1)
	w.start(w.open(w.orderIn(tenant(1), usdc, usdc, 100_000, 4)))
	require.Equal(t, without, count(athtypes.Denom, 3))
	require.LessOrEqual(t, without[0], first[0])
	stable := count(usdc, 2)
	for i := range stable {
		require.LessOrEqual(t, stable[i], without[i]+1)
	}
}

// TestForeignDenomsLeaveNothing: whatever denom a message names, it leaves no state, and no error names one that is allowed but fails.
func TestForeignDenomsLeaveNothing(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc)
	w.addOffer(1, 1, 10)
	w.addContainer(2, 1)
	for _, denom := range []string{"uosmo", "ibc/27", "", "x", "über", types.MicroUSD} {
		coin := sdk.Coin{Denom: denom, Amount: math.NewInt(5)}
		o := offer(2, 10)
		o.Denom = denom
		me := tenant(1).String()
		lease := order(tenant(1), 0, 1)
		lease.Deposit, lease.PayDenom = coin, denom
		priced := order(tenant(1), 0, 1)
		priced.Deposit, priced.PriceDenom = sdk.Coin{}, denom
		w.fundIn(tenant(1), denom, 1_000)
		for name, send := range map[string]func(sdk.Context) error{
			"deposit": func(ctx sdk.Context) error {
				_, err := w.msgs.Deposit(ctx, &types.MsgDeposit{Depositor: me, Amount: coin})
				return err
			},
			"withdraw": func(ctx sdk.Context) error {
				_, err := w.msgs.WithdrawDeposit(ctx, &types.MsgWithdrawDeposit{Tenant: me, Amount: coin})
				return err
			},
			"offer": func(ctx sdk.Context) error {
				if denom == types.MicroUSD {
					return types.ErrForeignDenom
				}
				_, err := w.msgs.SetOffers(ctx, &types.MsgSetOffers{Operator: operator(1).String(), Offers: []types.Offer{o}})
				return err
			},
			"pay": func(ctx sdk.Context) error {
				_, err := w.msgs.CreateLease(ctx, lease)
				return err
			},
			"price": func(ctx sdk.Context) error {
				if denom == types.MicroUSD || denom == "" {
					return types.ErrForeignDenom
				}
				_, err := w.msgs.CreateLease(ctx, priced)
				return err
			},
		} {
			n := w.writes.count(func() { require.ErrorIs(t, w.try(send), types.ErrForeignDenom, "%s %q", name, denom) })
			require.Zero(t, n, "%s %q", name, denom)
		}
	}
}
