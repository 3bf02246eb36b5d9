// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	abci "github.com/cometbft/cometbft/abci/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

func accountKeyOf(who sdk.AccAddress) accountKey { return collections.Join(who, athtypes.Denom) }

func (w *world) grantMsg(msg *types.MsgGrantDeposit) uint64 {
	w.tb.Helper()
	res, err := w.msgs.GrantDeposit(w.ctx, msg)
	require.NoError(w.tb, err)
	w.check()
	return res.Nonce
}

func (w *world) grant(from, to sdk.AccAddress, limit int64) uint64 {
	w.tb.Helper()
	return w.grantMsg(&types.MsgGrantDeposit{Granter: from.String(), Grantee: to.String(), Limit: uath(limit)})
}

// draw deposits under a grant.
func (w *world) draw(from, to sdk.AccAddress, amount int64) error {
	w.tb.Helper()
	err := w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.Deposit(ctx, &types.MsgDeposit{Depositor: to.String(), Granter: from.String(), Amount: uath(amount)})
		return err
	})
	w.check()
	return err
}

// limit is what is left of a grant.
func (w *world) limit(from, to sdk.AccAddress) int64 {
	w.tb.Helper()
	grant, err := w.k.Grant(w.ctx, from, to)
	require.NoError(w.tb, err)
	return grant.Limit.Amount.Int64()
}

func (w *world) revoke(signer, from, to sdk.AccAddress) error {
	w.tb.Helper()
	err := w.try(func(ctx sdk.Context) error {
		_, err := w.msgs.RevokeDepositGrant(ctx, &types.MsgRevokeDepositGrant{Signer: signer.String(), Granter: from.String(), Grantee: to.String()})
		return err
	})
	w.check()
	return err
}

// TestDepositGrant: a tenant deposits out of another's wallet up to a limit, which survives zero and rises by what comes back.
func TestDepositGrant(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	boss, me := friend(1), tenant(1)
	require.ErrorIs(t, w.draw(boss, me, 1_000), types.ErrGrantNotFound)
	require.EqualValues(t, 1, w.grant(boss, me, 10_000))
	require.ErrorContains(t, w.draw(boss, me, 1_000), "bank/", "a grant is no money")
	w.fund(boss, 50_000)
	require.ErrorIs(t, w.draw(boss, me, 10_001), types.ErrGrantLimit)
	require.NoError(t, w.draw(boss, me, 10_000))
	require.Zero(t, w.limit(boss, me))
	require.ErrorIs(t, w.draw(boss, me, 1), types.ErrGrantLimit)
	require.EqualValues(t, 40_000, w.bank(boss))
	_, err := w.withdraw(me, 0)
	require.ErrorIs(t, err, types.ErrInsufficientFree)

	amount, err := w.reclaim(types.MsgReclaimDeposit{Signer: boss.String(), Tenant: me.String(), Amount: uath(3_000)})
	require.NoError(t, err)
	require.EqualValues(t, 3_000, amount)
	require.EqualValues(t, 43_000, w.bank(boss))
	require.EqualValues(t, 3_000, w.limit(boss, me))

	// Into one's own account only.
	_, err = w.msgs.Deposit(w.ctx, &types.MsgDeposit{
		Depositor: me.String(), Tenant: tenant(2).String(), Granter: boss.String(), Amount: uath(1_000),
	})
	require.ErrorIs(t, err, types.ErrInvalidField)
	_, err = w.msgs.GrantDeposit(w.ctx, &types.MsgGrantDeposit{Granter: me.String(), Grantee: me.String(), Limit: uath(1)})
	require.ErrorIs(t, err, types.ErrInvalidGrant)
}

// TestRefundOfAnOldGrantRaisesNoNewOne: what comes back of a deposit under a grant that was revoked, replaced or has expired goes to the
// wallet and nowhere else.
func TestRefundOfAnOldGrantRaisesNoNewOne(t *testing.T) {
	for name, end := range map[string]func(w *world, boss, me sdk.AccAddress){
		"revoked and given again": func(w *world, boss, me sdk.AccAddress) {
			require.NoError(w.tb, w.revoke(boss, boss, me))
			require.EqualValues(w.tb, 2, w.grant(boss, me, 500))
		},
		"replaced": func(w *world, boss, me sdk.AccAddress) { w.grant(boss, me, 500) },
		"expired":  func(w *world, _, _ sdk.AccAddress) { w.pass(time.Hour) },
		"revoked":  func(w *world, boss, me sdk.AccAddress) { require.NoError(w.tb, w.revoke(me, boss, me)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.leastForeign(1_000)
			boss, me := friend(1), tenant(1)
			w.fund(boss, 10_000)
			at := w.ctx.BlockTime().Add(time.Hour)
			w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: me.String(), Limit: uath(10_500), ExpiresAt: &at})
			require.NoError(t, w.draw(boss, me, 10_000))
			end(w, boss, me)
			require.EqualValues(t, 10_000, w.takeBack(boss, me))
			require.EqualValues(t, 10_000, w.bank(boss))
			if name == "revoked" {
				_, err := w.k.Grant(w.ctx, boss, me)
				require.ErrorIs(t, err, types.ErrGrantNotFound)
				return
			}
			require.EqualValues(t, 500, w.limit(boss, me))
		})
	}
}

// TestWhoRevokes: both sides, and anyone once the grant has expired.
func TestWhoRevokes(t *testing.T) {
	w := newWorld(t)
	boss, me := friend(1), tenant(1)
	at := w.ctx.BlockTime().Add(time.Hour)
	w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: me.String(), Limit: uath(5), ExpiresAt: &at})
	require.ErrorIs(t, w.revoke(friend(2), boss, me), types.ErrUnauthorized)
	w.pass(time.Hour)
	require.ErrorIs(t, w.draw(boss, me, 5), types.ErrGrantExpired)
	require.NoError(t, w.revoke(friend(2), boss, me))
	require.ErrorIs(t, w.revoke(boss, boss, me), types.ErrGrantNotFound)
}

// events collects those of one kind while time passes in steps.
func events[T sdk.Msg](w *world, total, step time.Duration) (all []T) {
	w.tb.Helper()
	for spent := time.Duration(0); spent < total; spent += step {
		w.ctx = w.ctx.WithEventManager(sdk.NewEventManager())
		w.pass(step)
		for _, ev := range w.ctx.EventManager().Events() {
			if msg, err := sdk.ParseTypedEvent(abci.Event(ev)); err == nil {
				if e, ok := msg.(T); ok {
					all = append(all, e)
				}
			}
		}
		w.check()
	}
	return all
}

// refilled is a running lease at 36,000 uath an hour whose account has a day and ten minutes, with a grant of refills.
func refilled(w *world, limit int64, refill types.AutoRefill) (types.LeaseID, sdk.AccAddress, sdk.AccAddress) {
	w.tb.Helper()
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	boss, me := friend(1), tenant(1)
	id := w.open(orderFunded(w, me, 24*36_000+6_000, 1))
	w.start(id)
	w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: me.String(), Limit: uath(limit), Refill: &refill})
	_, err := w.msgs.SetRefill(w.ctx, &types.MsgSetRefill{Tenant: me.String(), Granter: boss.String()})
	require.NoError(w.tb, err)
	return id, boss, me
}

func autoRefill(keep, amount, most int64, period time.Duration) types.AutoRefill {
	return types.AutoRefill{Keep: uath(keep).Amount, Amount: uath(amount).Amount, Cap: uath(most).Amount, Period: period}
}

// TestAutoRefill keeps an account alive out of the granter's wallet, at the warning, as often as limit and period allow.
func TestAutoRefill(t *testing.T) {
	w := newWorld(t)
	id, boss, me := refilled(w, 600_000, autoRefill(2_000_000, 200_000, 400_000, 24*time.Hour))
	w.fund(boss, 1_000_000)
	got := events[*types.EventDeposited](w, 12*time.Hour, 5*time.Minute)
	require.NotEmpty(t, got)
	for _, e := range got {
		require.True(t, e.Refill)
		require.Equal(t, "200000uath", e.Amount)
		require.Equal(t, boss.String(), e.Depositor)
	}
	require.Len(t, got, 2, "the cap of the period")
	require.EqualValues(t, 600_000, w.bank(boss))
	require.EqualValues(t, 200_000, w.limit(boss, me))
	require.NotEmpty(t, events[*types.EventDeposited](w, 24*time.Hour, 10*time.Minute), "the next period")
	require.Zero(t, w.limit(boss, me))
	_, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	failed := events[*types.EventRefillFailed](w, 10*time.Hour, 10*time.Minute)
	require.NotEmpty(t, failed)
	require.Contains(t, failed[0].Error, "are left of the grant")
	require.Less(t, len(failed), 20, "looks are few")
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
	receipt := w.receipt(id)
	require.EqualValues(t, 24*36_000+6_000+600_000, receipt.Billed.Int64(), "all of it was used")
}

// TestRefillComesBeforeThePause: also where blocks are late and the money was used up before the warning's block came.
func TestRefillComesBeforeThePause(t *testing.T) {
	for name, agreed := range map[string]time.Duration{"until closed": 0, "agreed end": 30 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.leastForeign(1_000)
			w.addOffer(1, 1, 10)
			boss, me := friend(1), tenant(1)
			msg := orderFunded(w, me, 10_000, 1)
			msg.Duration = agreed
			id := w.open(msg)
			w.start(id)
			refill := autoRefill(1, 10_000_000, 10_000_000, time.Hour)
			w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: me.String(), Limit: uath(10_000_000), Refill: &refill})
			_, err := w.msgs.SetRefill(w.ctx, &types.MsgSetRefill{Tenant: me.String(), Granter: boss.String()})
			require.NoError(t, err)
			w.fund(boss, 10_000_000)
			w.pass(31 * time.Hour)
			w.check()
			if agreed == 0 {
				_, err = w.k.Lease(w.ctx, id)
				require.NoError(t, err)
				return
			}
			receipt := w.receipt(id)
			require.Equal(t, types.CloseReason_CLOSE_REASON_EXPIRED, receipt.Reason)
			require.EqualValues(t, 30*36_000, receipt.Billed.Int64())
		})
	}
}

// TestRefillCatchesUp: after a halt as many refills come at once as pay for what ran on, within limit and period, and then no more.
func TestRefillCatchesUp(t *testing.T) {
	w := newWorld(t)
	id, boss, me := refilled(w, 600_000, autoRefill(200_000, 100_000, 500_000, 24*time.Hour))
	w.fund(boss, 1_000_000)
	w.pass(24*time.Hour + 10*time.Minute + 7*time.Hour) // 252,000 are missing
	w.check()
	_, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	require.EqualValues(t, 300_000, w.limit(boss, me))
}

// TestRefillsAreBoundedPerBlock like everything that the queue does.
func TestRefillsAreBoundedPerBlock(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	params, err := w.k.params.Get(w.ctx)
	require.NoError(t, err)
	params.MaxClosesPerBlock = 4
	require.NoError(t, w.k.params.Set(w.ctx, params))
	boss := friend(1)
	w.fund(boss, 100_000_000)
	for n := uint64(1); n <= 10; n++ {
		w.addOffer(n, 1, 10)
		w.start(w.open(orderFunded(w, tenant(n), 4_000, n)))
		refill := autoRefill(1_000_000, 10_000_000, 10_000_000, time.Hour)
		w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: tenant(n).String(), Limit: uath(10_000_000), Refill: &refill})
		_, err := w.msgs.SetRefill(w.ctx, &types.MsgSetRefill{Tenant: tenant(n).String(), Granter: boss.String()})
		require.NoError(t, err)
	}
	for _, want := range []int{4, 4, 2, 0} {
		require.Len(t, events[*types.EventDeposited](w, time.Hour, time.Hour), want)
	}
	require.Zero(t, w.bank(boss))
	for n := uint64(1); n <= 10; n++ {
		_, err := w.k.Lease(w.ctx, types.LeaseID{Tenant: tenant(n), Number: 1})
		require.NoError(t, err, "tenant %d", n)
	}
}

// TestRefillThatFailsIsSaid and stops nothing: the account goes the way that it would have gone without.
func TestRefillThatFailsIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(w *world, boss, me sdk.AccAddress)
		says    string
		gone    bool // nobody refills the account any more
	}{
		"empty wallet": {says: "bank/", prepare: func(*world, sdk.AccAddress, sdk.AccAddress) {}},
		"revoked": {says: "no deposit grant", gone: true, prepare: func(w *world, boss, me sdk.AccAddress) {
			require.NoError(w.tb, w.revoke(boss, boss, me))
		}},
		"replaced by one without": {says: "without refills", gone: true, prepare: func(w *world, boss, me sdk.AccAddress) {
			w.grant(boss, me, 5)
		}},
		"not worth a place": {says: "at least", prepare: func(w *world, boss, _ sdk.AccAddress) {
			w.fund(boss, 1_000_000)
			w.leastForeign(1_000_000)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id, boss, me := refilled(w, 600_000, autoRefill(2_000_000, 200_000, 400_000, 24*time.Hour))
			c.prepare(w, boss, me)
			before := w.bank(boss)
			failed := events[*types.EventRefillFailed](w, 25*time.Hour, 10*time.Minute)
			require.NotEmpty(t, failed)
			require.Contains(t, failed[0].Error, c.says)
			require.Equal(t, boss.String(), failed[0].Granter)
			if c.gone {
				require.Len(t, failed, 1)
			}
			require.Equal(t, before, w.bank(boss))
			require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
		})
	}
}

// TestSetRefill: only the tenant chooses, among grants that it has.
func TestSetRefill(t *testing.T) {
	w := newWorld(t)
	boss, me := friend(1), tenant(1)
	set := func(granter string) error {
		return w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.SetRefill(ctx, &types.MsgSetRefill{Tenant: me.String(), Granter: granter})
			return err
		})
	}
	require.ErrorIs(t, set(boss.String()), types.ErrGrantNotFound)
	w.grant(boss, me, 5)
	require.ErrorIs(t, set(boss.String()), types.ErrNoRefill)
	refill := autoRefill(1, 1, 1, time.Hour)
	w.grantMsg(&types.MsgGrantDeposit{Granter: boss.String(), Grantee: me.String(), Limit: uath(5), Refill: &refill})
	require.NoError(t, set(boss.String()))
	require.NoError(t, set(""))
	account, err := w.k.accounts.Get(w.ctx, accountKeyOf(me))
	require.NoError(t, err)
	require.Empty(t, account.Refill)
	w.check()
}

// TestSubAccount: a team lead fills it, caps it, takes back what is free, and sees what is where.
func TestSubAccount(t *testing.T) {
	w := newWorld(t)
	w.leastForeign(1_000)
	w.addOffer(1, 1, 10)
	lead, sub := tenant(1), tenant(2)
	w.fund(lead, 100_000)
	_, err := w.k.Deposit(w.ctx, lead, lead, uath(100_000))
	require.NoError(t, err)
	fund := func(amount int64) error {
		err := w.try(func(ctx sdk.Context) error {
			_, err := w.msgs.FundSubAccount(ctx, &types.MsgFundSubAccount{Parent: lead.String(), Sub: sub.String(), Amount: uath(amount)})
			return err
		})
		w.check()
		return err
	}
	set := func(limit int64) error {
		_, err := w.msgs.SetSubAccount(w.ctx, &types.MsgSetSubAccount{Parent: lead.String(), Sub: sub.String(), Limit: uath(limit)})
		return err
	}
	require.ErrorIs(t, fund(20_000), types.ErrSubAccountNotFound)
	require.ErrorIs(t, set(0), types.ErrSubAccountNotFound)
	require.NoError(t, set(30_000))
	require.ErrorIs(t, fund(30_001), types.ErrSubAccountLimit)
	require.NoError(t, fund(30_000))
	require.ErrorIs(t, fund(1_000), types.ErrSubAccountLimit)
	require.EqualValues(t, 70_000, w.balance(lead))
	_, err = w.withdraw(sub, 0)
	require.ErrorIs(t, err, types.ErrInsufficientFree, "it is not the sub's")

	id := w.open(order(sub, 0, 1))
	w.start(id)
	w.pass(1_000 * time.Second)
	w.settled(id)
	list, err := w.queries.SubAccounts(w.ctx, &types.QuerySubAccountsRequest{Parent: lead.String()})
	require.NoError(t, err)
	require.Len(t, list.SubAccounts, 1)
	require.Equal(t, "20000uath", list.SubAccounts[0].Outstanding.String())
	require.Equal(t, "20000uath", list.SubAccounts[0].Free.String())
	require.Equal(t, "20000uath", list.SubAccounts[0].Reclaimable.String())
	require.NoError(t, fund(10_000), "what was spent makes room")

	require.NoError(t, set(0))
	require.ErrorIs(t, fund(1_000), types.ErrSubAccountNotFound)
	amount, err := w.reclaim(types.MsgReclaimDeposit{
		Signer: lead.String(), Tenant: sub.String(), Amount: uath(0), Source: types.DepositSource_DEPOSIT_SOURCE_PARENT,
	})
	require.NoError(t, err)
	require.EqualValues(t, 30_000, amount)
	require.Zero(t, w.bank(lead), "it goes back to the prepaid account")
	paid, err := w.withdraw(lead, 0)
	require.NoError(t, err)
	require.EqualValues(t, 90_000, paid)
	w.pass(time.Second)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, w.receipt(id).Reason)
	_, err = w.msgs.SetSubAccount(w.ctx, &types.MsgSetSubAccount{Parent: lead.String(), Sub: lead.String(), Limit: uath(5)})
	require.ErrorIs(t, err, types.ErrInvalidField)
}

// TestGrantQueries: by granter, by grantee, by both, in pages.
func TestGrantQueries(t *testing.T) {
	w := newWorld(t)
	for n := range uint64(3) {
		w.grant(friend(1), tenant(n), int64(10+n))
		w.grant(friend(n+1), tenant(9), int64(20+n))
	}
	ask := func(granter, grantee string, limit uint64) []types.DepositGrant {
		res, err := w.queries.DepositGrants(w.ctx, &types.QueryDepositGrantsRequest{
			Granter: granter, Grantee: grantee, Pagination: &query.PageRequest{Limit: limit},
		})
		require.NoError(t, err)
		return res.Grants
	}
	require.Len(t, ask(friend(1).String(), "", 100), 4)
	require.Len(t, ask(friend(1).String(), "", 2), 2)
	require.Len(t, ask("", tenant(9).String(), 100), 3)
	require.Equal(t, "22uath", ask(friend(3).String(), tenant(9).String(), 1)[0].Limit.String())
	_, err := w.queries.DepositGrants(w.ctx, &types.QueryDepositGrantsRequest{})
	require.ErrorIs(t, err, types.ErrInvalidField)
}
