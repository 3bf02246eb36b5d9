// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// friend is somebody who pays for tenants.
func friend(n uint64) sdk.AccAddress { return someone(400 + n) }

// leastForeign sets the least that a place in somebody else's account is worth.
func (w *world) leastForeign(least uint64) {
	w.tb.Helper()
	params, err := w.k.params.Get(w.ctx)
	require.NoError(w.tb, err)
	params.MinForeignDeposit = least
	require.NoError(w.tb, w.k.params.Set(w.ctx, params))
}

func (w *world) bank(who sdk.AccAddress) int64 {
	return w.vault.get(w.ctx, "bank/"+who.String()).Int64()
}

// give funds a friend, who deposits all of it for a tenant.
func (w *world) give(from, to sdk.AccAddress, amount int64) {
	w.tb.Helper()
	w.fund(from, amount)
	_, err := w.msgs.Deposit(w.ctx, &types.MsgDeposit{Depositor: from.String(), Tenant: to.String(), Amount: uath(amount)})
	require.NoError(w.tb, err)
	w.check()
}

func (w *world) reclaim(msg types.MsgReclaimDeposit) (amount int64, err error) {
	w.tb.Helper()
	err = w.try(func(ctx sdk.Context) error {
		res, err := w.msgs.ReclaimDeposit(ctx, &msg)
		if err == nil {
			amount = res.Amount.Amount.Int64()
		}
		return err
	})
	w.check()
	return amount, err
}

// takeBack is all that a depositor can reclaim.
func (w *world) takeBack(from, to sdk.AccAddress) int64 {
	w.tb.Helper()
	amount, err := w.reclaim(types.MsgReclaimDeposit{Signer: from.String(), Tenant: to.String(), Amount: uath(0)})
	if err != nil {
		require.ErrorContains(w.tb, err, "can be taken")
	}
	return amount
}

func (w *world) withdraw(who sdk.AccAddress, amount int64) (int64, error) {
	w.tb.Helper()
	paid := sdk.Coin{}
	err := w.try(func(ctx sdk.Context) (err error) {
		paid, err = w.k.Withdraw(ctx, who, uath(amount))
		return err
	})
	w.check()
	if err != nil {
		return 0, err
	}
	return paid.Amount.Int64(), nil
}

// whose is the account as the query tells it: the tenant's own, and then what each place holds, those that are spent first in front.
func (w *world) whose(who sdk.AccAddress) []int64 {
	w.tb.Helper()
	res, err := w.queries.Depositors(w.ctx, &types.QueryDepositorsRequest{Tenant: who.String()})
	require.NoError(w.tb, err)
	all := []int64{res.Own.Amount.Int64()}
	for _, p := range res.Places {
		if p.Place.Left.IsZero() && p.Place.Held.IsZero() { // used up: it waits for a credit
			require.True(w.tb, p.Reclaimable.IsZero() && p.Place.Spent.IsPositive())
			continue
		}
		all = append(all, p.Place.Left.Int64())
	}
	return all
}

// TestOthersMoneyIsSpentFirst: the last deposit before those before it, the tenant's own at the end, and each gets the rest of its own.
func TestOthersMoneyIsSpentFirst(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	me := tenant(1)
	id := w.open(orderFunded(w, me, 10_000, 1))
	w.start(id)
	w.give(friend(1), me, 2_000)
	w.give(friend(2), me, 3_000)
	require.Equal(t, []int64{10_000, 3_000, 2_000}, w.whose(me))
	w.pass(100 * time.Second)
	w.settled(id)
	require.Equal(t, []int64{10_000, 2_000, 2_000}, w.whose(me))
	w.pass(250 * time.Second)
	w.settled(id)
	require.Equal(t, []int64{10_000, 1_500}, w.whose(me))
	w.give(friend(2), me, 1_000)
	require.Equal(t, []int64{10_000, 1_000, 1_500}, w.whose(me))
	w.pass(200 * time.Second) // 2,000, of which nothing is settled
	require.Equal(t, []int64{10_000, 1_000, 1_500}, w.whose(me))
	require.EqualValues(t, 0, w.takeBack(friend(2), me))
	require.EqualValues(t, 500, w.takeBack(friend(1), me))
	w.settled(id)
	require.Equal(t, []int64{10_000}, w.whose(me))
	paid, err := w.withdraw(me, 0)
	require.NoError(t, err)
	require.EqualValues(t, 10_000, paid)
	account, err := w.k.accounts.Get(w.ctx, accountKeyOf(me))
	require.NoError(t, err)
	require.EqualValues(t, 2, account.Depositors, "their places wait for a credit until the tenant has spent as much of its own")
	_, err = w.msgs.Deposit(w.ctx, &types.MsgDeposit{Depositor: me.String(), Amount: uath(10_000)})
	require.NoError(t, err)
	w.pass(650 * time.Second)
	w.settled(id)
	w.fund(me, 1)
	_, err = w.msgs.Deposit(w.ctx, &types.MsgDeposit{Depositor: me.String(), Amount: uath(1)})
	require.NoError(t, err)
	account, err = w.k.accounts.Get(w.ctx, accountKeyOf(me))
	require.NoError(t, err)
	require.Zero(t, account.Depositors)
	w.check()
}

// TestTenantGetsNothingOfOthersMoney: not by withdrawing, nor by opening and closing leases or channels, nor through a sub-account.
func TestTenantGetsNothingOfOthersMoney(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	me := tenant(1)
	w.give(friend(1), me, 100_000)
	_, err := w.withdraw(me, 0)
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	require.ErrorContains(t, err, "what others deposited is theirs")

	// A lease that is let go before its start pays its minimum charge, and what it held is free again.
	id := w.open(order(me, 0, 1))
	w.pass(9 * time.Minute)
	_, err = w.withdraw(me, 0)
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	w.fund(me, 1)
	_, err = w.k.Deposit(w.ctx, me, me, uath(1)) // counts the stack while the lease holds a part
	require.NoError(t, err)
	_, err = w.k.CloseLease(w.ctx, me, id, 0, nil)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 99_400}, w.whose(me))

	// Channels: their caps come back to whose money they were.
	res, err := w.msgs.OpenChannels(w.ctx, &types.MsgOpenChannels{
		Tenant: me.String(), Channels: []types.ChannelOrder{w.channel(1, 1, 60_000), w.channel(1, 1, 39_401)},
	})
	require.NoError(t, err)
	require.Equal(t, []int64{0, 0}, w.whose(me))
	_, err = w.withdraw(me, 0)
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	require.Zero(t, w.takeBack(friend(1), me), "it is in channels")
	w.fund(me, 7)
	_, err = w.k.Deposit(w.ctx, me, me, uath(7))
	require.NoError(t, err)
	w.paid(400, voucher(1, res.First, 400))
	_, err = w.closeChannels(provider(1), 1, res.First, res.First+1)
	require.NoError(t, err)
	require.Equal(t, []int64{8, 99_000}, w.whose(me))

	// A sub-account gets the tenant's own only.
	_, err = w.msgs.SetSubAccount(w.ctx, &types.MsgSetSubAccount{Parent: me.String(), Sub: tenant(2).String(), Limit: uath(1_000_000)})
	require.NoError(t, err)
	_, err = w.msgs.FundSubAccount(w.ctx, &types.MsgFundSubAccount{Parent: me.String(), Sub: tenant(2).String(), Amount: uath(1_000)})
	require.ErrorIs(t, err, types.ErrInsufficientFree)

	require.EqualValues(t, 99_000, w.takeBack(friend(1), me))
	paid, err := w.withdraw(me, 0)
	require.NoError(t, err)
	require.EqualValues(t, 8, paid)
}

// TestChannelIsToppedUpWithOthersMoney: each part of the cap goes back to whom it came from, the tenant's own being paid out last.
func TestChannelIsToppedUpWithOthersMoney(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addContainer(1, 1)
	me := tenant(1)
	w.openChannels(1, w.channel(1, 1, 10_000)) // own
	w.give(friend(1), me, 10_000)
	for range 2 {
		_, err := w.msgs.TopUpChannel(w.ctx, &types.MsgTopUpChannel{Tenant: me.String(), Number: 1, Amount: 10_000})
		require.NoError(t, err)
		w.check()
		if w.balance(me) == 0 {
			w.give(friend(1), me, 10_000)
		}
	}
	channel, err := w.k.Channel(w.ctx, me, 1)
	require.NoError(t, err)
	require.Len(t, channel.Sources, 1)
	require.Equal(t, "20000", channel.Sources[0].Amount.String())
	w.paid(25_000, voucher(1, 1, 25_000))
	w.pass(26 * time.Hour)
	require.Equal(t, []int64{5_000, 10_000}, w.whose(me))
	w.check()
}

// TestDepositorCantReclaimWhatIsReserved for a lease, nor what it has used and was not paid yet.
func TestDepositorCantReclaimWhatIsReserved(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	me := tenant(1)
	w.give(friend(1), me, 100_000)
	id := w.open(order(me, 0, 1))
	w.start(id)
	require.EqualValues(t, 99_400, w.takeBack(friend(1), me), "a minute is held back")
	w.give(friend(1), me, 50_000)
	w.pass(1_000 * time.Second)
	_, err := w.reclaim(types.MsgReclaimDeposit{Signer: friend(1).String(), Tenant: me.String(), Amount: uath(40_001)})
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	require.EqualValues(t, 40_000, w.takeBack(friend(1), me), "neither what was used and not paid yet, nor the minute")
	w.pass(time.Hour)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
	require.Zero(t, w.balance(me))
	require.EqualValues(t, 10_600, w.earned(1))
}

// TestReclaimEndsLeasesInTime: an account that loses a deposit is looked at by its new end.
func TestReclaimEndsLeasesInTime(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	id := w.open(orderFunded(w, tenant(1), 5_000, 1))
	w.start(id)
	w.give(friend(1), tenant(1), 10_000_000)
	w.pass(time.Second)
	require.Positive(t, w.takeBack(friend(1), tenant(1)))
	w.pass(600 * time.Second)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
}

// TestWhoReclaims: the depositor, and the tenant for the depositor; what comes back is the depositor's whoever asks.
func TestWhoReclaims(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	me := tenant(1)
	w.give(friend(1), me, 5_000)
	_, err := w.reclaim(types.MsgReclaimDeposit{Signer: friend(2).String(), Tenant: me.String(), Depositor: friend(1).String(), Amount: uath(0)})
	require.ErrorIs(t, err, types.ErrUnauthorized)
	_, err = w.reclaim(types.MsgReclaimDeposit{Signer: friend(2).String(), Tenant: me.String(), Amount: uath(0)})
	require.ErrorIs(t, err, types.ErrDepositorNotFound)
	_, err = w.reclaim(types.MsgReclaimDeposit{
		Signer: me.String(), Tenant: me.String(), Depositor: friend(1).String(), Amount: uath(0), Source: types.DepositSource_DEPOSIT_SOURCE_GRANT,
	})
	require.ErrorIs(t, err, types.ErrDepositorNotFound)
	amount, err := w.reclaim(types.MsgReclaimDeposit{Signer: me.String(), Tenant: me.String(), Depositor: friend(1).String(), Amount: uath(2_000)})
	require.NoError(t, err)
	require.EqualValues(t, 2_000, amount)
	require.EqualValues(t, 2_000, w.bank(friend(1)))
	require.Zero(t, w.bank(me))
}

// TestStrangersDontBlockAnAccount: their places cost them money that is spent first, half of the places is kept for grants, and the tenant
// can give it back.
func TestStrangersDontBlockAnAccount(t *testing.T) {
	w := newWorld(t)
	me := tenant(1)
	w.fund(friend(99), 2_000_000)
	deposit := func(who sdk.AccAddress, amount int64) error {
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.Deposit(ctx, &types.MsgDeposit{Depositor: who.String(), Tenant: me.String(), Amount: uath(amount)})
			return err
		})
	}
	require.ErrorIs(t, deposit(friend(99), 1), types.ErrDepositTooSmall)
	for n := range uint64(types.MaxUninvited) {
		w.give(friend(n), me, 1_000_000)
	}
	require.ErrorIs(t, deposit(friend(99), 1_000_000), types.ErrTooManyDepositors)
	w.grant(friend(50), me, 5_000_000)
	w.fund(friend(50), 5_000_000)
	require.NoError(t, w.draw(friend(50), me, 5_000_000), "a grant gets a place")
	_, err := w.reclaim(types.MsgReclaimDeposit{Signer: me.String(), Tenant: me.String(), Depositor: friend(3).String(), Amount: uath(0)})
	require.NoError(t, err)
	require.NoError(t, deposit(friend(99), 1_000_000), "the tenant makes place")
	w.check()
}

// TestCreditsGoBackToThoseWhoPaid, and the SLA fund pays nothing where one of those is of the provider's own people.
func TestCreditsGoBackToThoseWhoPaid(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	id := running(w)
	me := tenant(1)
	w.give(friend(1), me, 10_000)
	w.pass(5 * time.Minute)
	w.settled(id)
	require.Equal(t, []int64{100_000, 7_000}, w.whose(me))
	w.give(friend(2), me, 4_000)
	w.fault(1, time.Second)
	require.Equal(t, []int64{100_000, 4_000, 10_000}, w.whose(me), "who has just deposited gets nothing of it")

	w = newWorld(t)
	w.leastForeign(1_000)
	id = running(w)
	w.give(provider(1), me, 10_000)
	w.providers.collateral = 10_000
	w.pass(5 * time.Minute)
	w.settled(id)
	require.NoError(t, w.vault.move(w.ctx, "earned/"+provider(1).String(), "bank/"+provider(1).String(), types.Uath(3_000)))
	require.NoError(t, w.vault.rows.Set(w.ctx, "fund/uath", types.Uath(10_000)))
	w.fault(1, time.Second)
	require.EqualValues(t, 10_000, w.vault.get(w.ctx, "fund/uath").Int64())
}

// paidWorld has something of everything that this part of the genesis holds.
func paidWorld(t *testing.T) *world {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	me := tenant(1)
	w.start(w.open(orderFunded(w, me, 90_000, 1)))
	w.give(friend(1), me, 40_000)
	at := w.ctx.BlockTime().Add(time.Hour)
	refill := autoRefill(1_000, 1_000, 5_000, time.Hour)
	w.fund(friend(2), 10_000)
	w.grantMsg(&types.MsgGrantDeposit{Granter: friend(2).String(), Grantee: me.String(), Limit: uath(20_000), ExpiresAt: &at, Refill: &refill})
	w.grant(friend(2), tenant(2), 5)
	require.NoError(t, w.draw(friend(2), me, 10_000))
	_, err := w.msgs.SetRefill(w.ctx, &types.MsgSetRefill{Tenant: me.String(), Granter: friend(2).String()})
	require.NoError(t, err)
	_, err = w.msgs.OpenChannels(w.ctx, &types.MsgOpenChannels{Tenant: me.String(), Channels: []types.ChannelOrder{w.channel(1, 1, 30_000)}})
	require.NoError(t, err)
	_, err = w.msgs.SetSubAccount(w.ctx, &types.MsgSetSubAccount{Parent: me.String(), Sub: tenant(2).String(), Limit: uath(7_000)})
	require.NoError(t, err)
	_, err = w.msgs.FundSubAccount(w.ctx, &types.MsgFundSubAccount{Parent: me.String(), Sub: tenant(2).String(), Amount: uath(5_000)})
	require.NoError(t, err)
	w.pass(time.Minute)
	w.check()
	return w
}

// TestDepositGenesis: Export → Init → Export is byte-equal, both go on alike, and a state that contradicts itself is refused.
func TestDepositGenesis(t *testing.T) {
	w := paidWorld(t)
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	require.Len(t, exported.Depositors, 2)
	require.Len(t, exported.DepositGrants, 2)
	require.Len(t, exported.GrantCounters, 1)
	require.Len(t, exported.SubAccounts, 1)
	fresh := newWorld(t)
	fresh.ctx = fresh.ctx.WithBlockTime(w.ctx.BlockTime())
	fresh.copyFrom(w)
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	for range 2 {
		fresh.check()
		require.Equal(t, w.whose(tenant(1)), fresh.whose(tenant(1)))
		want, err := w.k.ExportGenesis(w.ctx)
		require.NoError(t, err)
		got, err := fresh.k.ExportGenesis(fresh.ctx)
		require.NoError(t, err)
		require.Equal(t, w.cdc.MustMarshalJSON(want), fresh.cdc.MustMarshalJSON(got))
		w.pass(30 * time.Hour)
		fresh.pass(30 * time.Hour)
	}
	for name, change := range map[string]func(*types.GenesisState){
		"order":             func(g *types.GenesisState) { g.Depositors[0], g.Depositors[1] = g.Depositors[1], g.Depositors[0] },
		"tenant":            func(g *types.GenesisState) { g.Depositors[0].Tenant = "x" },
		"denom":             func(g *types.GenesisState) { g.Depositors[0].Denom = "uosmo" },
		"no places":         func(g *types.GenesisState) { g.Depositors[0].Places = nil },
		"too few":           func(g *types.GenesisState) { g.Depositors[0].Places = g.Depositors[0].Places[1:] },
		"twice":             func(g *types.GenesisState) { g.Depositors[0].Places[1] = g.Depositors[0].Places[0] },
		"depositor":         func(g *types.GenesisState) { g.Depositors[0].Places[0].Depositor = "x" },
		"source":            func(g *types.GenesisState) { g.Depositors[0].Places[0].Source = 9 },
		"nonce of no grant": func(g *types.GenesisState) { g.Depositors[0].Places[0].Nonce = 9 },
		"left":              func(g *types.GenesisState) { g.Depositors[0].Places[0].Left = uath(1 << 40).Amount },
		"held":              func(g *types.GenesisState) { g.Depositors[0].Places[0].Held = uath(1).Amount },
		"row missing":       func(g *types.GenesisState) { g.Depositors = g.Depositors[1:] },
		"account missing":   func(g *types.GenesisState) { g.Accounts[1].Tenant = tenant(9).String() },
		"count":             func(g *types.GenesisState) { g.Accounts[0].Depositors++ },
		"refill":            func(g *types.GenesisState) { g.Accounts[0].Refill = "x" },
		"channel source":    func(g *types.GenesisState) { g.Channels[0].Sources[0].Amount = uath(1).Amount },
		"channel sources":   func(g *types.GenesisState) { g.Channels[0].Sources[0].Amount = uath(1 << 40).Amount },
		"channel of others": func(g *types.GenesisState) { g.Channels[0].Sources[0].Depositor = friend(9).String() },
		"grant order": func(g *types.GenesisState) {
			g.DepositGrants[0], g.DepositGrants[1] = g.DepositGrants[1], g.DepositGrants[0]
		},
		"grant to oneself":  func(g *types.GenesisState) { g.DepositGrants[0].Granter = g.DepositGrants[0].Grantee },
		"grant nonce":       func(g *types.GenesisState) { g.DepositGrants[0].Nonce = 3 },
		"grant limit":       func(g *types.GenesisState) { g.DepositGrants[0].Limit.Denom = "uosmo" },
		"grant refill":      func(g *types.GenesisState) { g.DepositGrants[0].Refill.Period = 0 },
		"grant refilled":    func(g *types.GenesisState) { g.DepositGrants[0].Refilled = uath(1).Amount.Neg() },
		"grant time":        func(g *types.GenesisState) { g.DepositGrants[0].ExpiresAt = &time.Time{} },
		"grant counter":     func(g *types.GenesisState) { g.GrantCounters = nil },
		"grant counter low": func(g *types.GenesisState) { g.GrantCounters[0].Next = 1 },
		"sub-account":       func(g *types.GenesisState) { g.SubAccounts[0].Sub = g.SubAccounts[0].Parent },
		"sub-account limit": func(g *types.GenesisState) { g.SubAccounts[0].Limit = uath(0) },
		"sub-account twice": func(g *types.GenesisState) { g.SubAccounts = append(g.SubAccounts, g.SubAccounts[0]) },
		"params":            func(g *types.GenesisState) { g.Params.MinForeignDeposit = 0 },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			var changed types.GenesisState
			w.cdc.MustUnmarshalJSON(w.cdc.MustMarshalJSON(exported), &changed)
			change(&changed)
			require.Error(t, changed.Validate())
		})
	}
}

// TestDepositInvariantsSeeDamage: each of them fails on a state that breaks it.
func TestDepositInvariantsSeeDamage(t *testing.T) {
	key := accountKeyOf(tenant(1))
	change := func(change func(*types.Depositors)) func(w *world) error {
		return func(w *world) error {
			d, err := w.k.depositors.Get(w.ctx, key)
			if err != nil {
				return err
			}
			change(&d)
			return w.k.depositors.Set(w.ctx, key, d)
		}
	}
	for name, damage := range map[string]func(*world) error{
		"D1 count":  func(w *world) error { return w.changeAccount(func(a *types.Account) { a.Depositors++ }) },
		"D1 no row": func(w *world) error { return w.k.depositors.Remove(w.ctx, key) },
		"D1 stray":  func(w *world) error { return w.changeAccount(func(a *types.Account) { a.Depositors = 0 }) },
		"D1 left":   change(func(d *types.Depositors) { d.Places[0].Left = d.Balance.AddRaw(1) }),
		"D1 balance": func(w *world) error {
			return w.vault.Deposit(w.ctx, fundedFriend(w), (&purse{account: types.Account{Tenant: tenant(1).String(), Denom: "uath"}}).row(), uath(1_000_000).Amount)
		},
		"D3 held": change(func(d *types.Depositors) { d.Places[0].Held = d.Places[0].Held.AddRaw(1) }),
		"D3 channel": func(w *world) error {
			c, err := w.k.Channel(w.ctx, tenant(1), 1)
			if err != nil {
				return err
			}
			c.Sources = nil
			return w.k.addChannel(w.ctx, tenant(1), c)
		},
		"G1 index": func(w *world) error { return w.k.granters.Clear(w.ctx, nil) },
		"G1 grant": func(w *world) error { return w.k.grants.Clear(w.ctx, nil) },
		"G1 nonce": func(w *world) error { return w.k.grantNonces.Set(w.ctx, friend(2), 1) },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			w := paidWorld(t)
			require.NoError(t, damage(w))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}

func fundedFriend(w *world) sdk.AccAddress {
	w.fund(friend(77), 1_000_000)
	return friend(77)
}

// TestKeysWrittenWithDepositors: leases write no more than without, a deposit for somebody else its place and the account.
func TestKeysWrittenWithDepositors(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 1, 10)
	me := tenant(1)
	w.start(w.open(orderFunded(w, me, 1_000_000_000, 1)))
	w.fund(friend(1), 2_000_000)
	for range 2 {
		require.Equal(t, 2, w.writes.count(func() {
			_, err := w.k.Deposit(w.ctx, friend(1), me, uath(1_000_000))
			require.NoError(t, err)
		}), "depositors, account")
	}
	var id types.LeaseID
	require.Equal(t, 3, w.writes.count(func() { id = w.open(order(me, 0, 2)) }))
	require.Equal(t, 2, w.writes.count(func() { w.start(id) }))
	w.pass(time.Minute)
	require.Equal(t, 2, w.writes.count(func() { w.settled(id) }))
	w.pass(time.Minute)
	require.Equal(t, 6, w.writes.count(func() {
		_, err := w.k.CloseLease(w.ctx, me, id, 0, nil)
		require.NoError(t, err)
	}))
	w.fund(me, 5)
	require.Equal(t, 2, w.writes.count(func() {
		_, err := w.k.Deposit(w.ctx, me, me, uath(5))
		require.NoError(t, err)
	}), "the tenant's own deposit, while others have places")
	require.Equal(t, 2, w.writes.count(func() { w.takeBack(friend(1), me) }), "depositors, account")
	w.check()
}
