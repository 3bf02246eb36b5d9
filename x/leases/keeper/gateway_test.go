// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// gatewayWorld has gateway 1 with a float of uath, and Containers 1 to 4 for 10, 20, 30, 40 musd/s, of which one is 2 uath.
func gatewayWorld(tb tester, float int64) *world {
	w := newWorld(tb)
	w.vault.setPrice(start, 2)
	for id := uint64(1); id <= 4; id++ {
		w.addContainer(id, 1)
		o := usdOffer(id, int64(id)*10)
		o.StorageRate = math.NewInt(1_000_000)
		require.NoError(tb, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	}
	w.register(1, 10, 1_000)
	if float > 0 {
		w.fund(gatewayOf(1), float)
		w.fundFloat(float)
	}
	return w
}

func (w *world) fundFloat(amount int64) {
	w.tb.Helper()
	_, err := w.msgs.FundFloat(w.ctx, &types.MsgFundFloat{Depositor: gatewayOf(1).String(), Amount: uath(amount)})
	require.NoError(w.tb, err)
}

// credit gives a customer of gateway 1 a line of musd.
func (w *world) credit(n uint64, limit int64) {
	w.tb.Helper()
	w.creditAs(n, types.MsgGrantCredit{Limit: math.NewInt(limit)})
}

func (w *world) creditAs(n uint64, msg types.MsgGrantCredit) {
	w.tb.Helper()
	msg.Gateway, msg.Customer = gatewayOf(1).String(), tenant(n).String()
	_, err := w.msgs.GrantCredit(w.ctx, &msg)
	require.NoError(w.tb, err)
}

func (w *world) lineOf(n uint64) types.CreditView {
	w.tb.Helper()
	res, err := w.queries.Credit(w.ctx, &types.QueryCreditRequest{Gateway: gatewayOf(1).String(), Customer: tenant(n).String()})
	require.NoError(w.tb, err)
	return res.Credit
}

// said returns what of one kind is said while f runs.
func said[T proto.Message](w *world, f func()) (all []T) {
	w.tb.Helper()
	w.ctx = w.ctx.WithEventManager(sdk.NewEventManager())
	f()
	for _, ev := range w.ctx.EventManager().Events() {
		if msg, err := sdk.ParseTypedEvent(abci.Event(ev)); err == nil {
			if e, ok := msg.(T); ok {
				all = append(all, e)
			}
		}
	}
	return all
}

// TestALeaseOnCredit: the float pays in uath at the price of each moment, the line is charged the price in musd, and the customer needs no coins.
func TestALeaseOnCredit(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(time.Hour)
	w.vault.setPrice(w.ctx.BlockTime(), 6) // ATH falls to a third: the gateway's loss
	w.pass(time.Hour)
	paid := said[*types.EventLeaseSettled](w, func() { w.settled(id) })
	require.Equal(t, "288000uath", paid[0].Paid)
	require.Equal(t, "72000musd", paid[0].Credit)
	require.Equal(t, int64(10*3600*(2+6)), w.earned(1))
	require.Equal(t, int64(10_000_000-10*3600*(2+6)), w.float(1))
	view := w.lineOf(1)
	require.Equal(t, int64(72_000), view.Line.Spent.Int64())
	require.Equal(t, int64(1_000_000-72_000), view.Free.Int64())
	require.Equal(t, start.Add(100_000*time.Second), *view.ExhaustedAt)
	account, err := w.queries.Account(w.ctx, &types.QueryAccountRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.Equal(t, [3]uint32{0, 1, 0}, [3]uint32{account.Account.OpenLeases, account.Account.OtherLeases, account.Account.OtherUnstarted})
	w.check()

	w.pass(time.Minute)
	_, err = w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
	require.NoError(t, err)
	r := w.receipt(id)
	require.Equal(t, gatewayOf(1).String(), r.Credit.Gateway)
	require.Equal(t, int64(72_600), r.Credit.Billed.Int64())
	require.Equal(t, int64(288_000+600*6), r.Billed.Int64())
	require.NoError(t, r.Validate())
	w.check()
	res, err := w.queries.Gateway(w.ctx, &types.QueryGatewayRequest{Gateway: gatewayOf(1).String()})
	require.NoError(t, err)
	require.Equal(t, res.Balance, res.Withdrawable, "nothing needs the float")
}

// TestCreditIsRefused: what can't be had on credit, each with what to do.
func TestCreditIsRefused(t *testing.T) {
	soon := start.Add(2 * time.Minute)
	for name, c := range map[string]struct {
		prepare func(*world)
		order   func(*types.MsgCreateLease)
		err     error
		says    string
	}{
		"no gateway":           {order: func(o *types.MsgCreateLease) { o.Gateway = tenant(5).String() }, err: types.ErrGatewayNotFound, says: "governance registers"},
		"no line":              {order: func(o *types.MsgCreateLease) { o.Tenant = tenant(2).String() }, err: types.ErrCreditNotFound, says: "gives"},
		"price in uath":        {order: func(o *types.MsgCreateLease) { o.PriceDenom = "" }, err: types.ErrForeignDenom, says: "USD only"},
		"a deposit":            {order: func(o *types.MsgCreateLease) { o.Deposit = uath(5) }, err: types.ErrInvalidField, says: "leave it out"},
		"reserved":             {order: func(o *types.MsgCreateLease) { o.Mode, o.Duration = reserved, time.Hour }, err: types.ErrInvalidField, says: "on demand"},
		"more than the credit": {prepare: func(w *world) { w.credit(1, 3_599) }, err: types.ErrCreditLimit, says: "0.000001 USD"},
		"more than the rate": {
			prepare: func(w *world) {
				w.creditAs(1, types.MsgGrantCredit{Limit: math.NewInt(1_000_000), MaxRate: math.NewInt(9_999_999)})
			}, err: types.ErrCreditLimit,
			says: "per hour",
		},
		"a line that ends before min_runway": {
			prepare: func(w *world) { w.creditAs(1, types.MsgGrantCredit{Limit: math.NewInt(1_000_000), ExpiresAt: &soon}) }, err: types.ErrCreditEnded, says: "ends, at",
		},
		"a revoked line": {
			prepare: func(w *world) { require.NoError(w.tb, w.k.RevokeCredit(w.ctx, gatewayOf(1), tenant(1))) }, err: types.ErrCreditNotFound, says: "no credit",
		},
		"a float of less than 1.5 x 24 h": {
			prepare: func(w *world) {
				_, err := w.k.WithdrawFloat(w.ctx, gatewayOf(1), uath(10_000_000-10*36*3600*2-1_200+1))
				require.NoError(w.tb, err)
			}, err: types.ErrFloatTooSmall, says: "0.000001 ATH (1uath) short",
		},
		"a removed gateway": {
			prepare: func(w *world) { require.NoError(w.tb, w.k.RemoveGateway(w.ctx, gatewayOf(1))) }, err: types.ErrGatewayRemoved, says: "your own account",
		},
		"more than the gateway may": {prepare: func(w *world) { w.register(1, 10, 9) }, err: types.ErrGatewayLimit, says: "governance allows"},
		"more leases than it may": {
			prepare: func(w *world) {
				p := types.DefaultParams()
				p.MaxGatewayLeases = 1
				require.NoError(w.tb, w.k.params.Set(w.ctx, p))
				w.open(onCreditOf(1, tenant(1), 2))
			}, err: types.ErrGatewayLimit, says: "1 leases",
		},
		"an unknown price": {prepare: func(w *world) { w.vault.stale = true }, err: athtypes.ErrNoPrice},
	} {
		t.Run("error - "+name, func(t *testing.T) {
			w := gatewayWorld(t, 10_000_000)
			w.credit(1, 1_000_000)
			if c.prepare != nil {
				c.prepare(w)
			}
			o := onCreditOf(1, tenant(1), 1)
			if c.order != nil {
				c.order(o)
			}
			err := w.create(o)
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.says)
			w.check()
		})
	}
	w := gatewayWorld(t, 10*36*3600*2+1_200)
	w.credit(1, 3_600)
	require.NoError(t, w.create(onCreditOf(1, tenant(1), 1)), "exactly enough on both meters")
}

// TestFloatRunsDry: its leases pause or end at the instant at which it was used up, the customers' of the lowest priority first; their lines are
// charged up to there and no further. The gateway is told with 24, 6 and 1 hours left.
func TestFloatRunsDry(t *testing.T) {
	w := gatewayWorld(t, 0)
	const float = 60 * 36 * 3600 * 2
	w.fund(gatewayOf(1), 10*float)
	w.fundFloat(float + 60*60*2 + 3600*1*2)
	w.creditAs(1, types.MsgGrantCredit{Limit: math.NewInt(100_000_000), Priority: 1})
	w.credit(2, 100_000_000)
	w.credit(3, 100_000_000)
	kept := w.open(onCreditOf(1, tenant(1), 1)) // 10 musd/s
	ends := w.open(onCreditOf(1, tenant(2), 2)) // 20
	o := onCreditOf(1, tenant(3), 3)            // 30, newer
	o.Grace, o.Priority = time.Hour, 100
	pauses := w.open(o)
	for _, id := range []types.LeaseID{kept, ends, pauses} {
		w.start(id)
	}
	var hours []uint32
	for range 36 {
		for _, low := range said[*types.EventFloatLow](w, func() { w.pass(time.Hour) }) {
			hours = append(hours, low.Hours)
		}
		w.check()
	}
	require.Equal(t, []uint32{24, 6, 1}, hours, "told before it runs dry")
	why := said[*types.EventLeasePaused](w, func() { w.pass(2 * time.Minute) })
	require.Equal(t, types.CloseReason_CLOSE_REASON_GATEWAY_DRY, why[0].Reason)
	w.check()
	// What is held back for the pause (7,200 uath) stays; all the rest was for 36 h and one minute at 60 musd/s.
	dry := start.Add(36*time.Hour + time.Minute)
	paused := w.lease(pauses)
	require.Equal(t, dry, *paused.PausedAt)
	require.Equal(t, int64(30*(36*3600+60)), paused.Credit.Billed.Int64(), "nothing is charged beyond")
	w.pass(time.Hour)
	r := w.receipt(pauses)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, r.Reason, "the grace of its pause was used up")
	require.Equal(t, int64(30*(36*3600+60)+3600), r.Credit.Billed.Int64())
	// That the newer lease went freed nothing for the others: they went at the same instant.
	second := w.receipt(ends)
	require.Equal(t, types.CloseReason_CLOSE_REASON_GATEWAY_DRY, second.Reason)
	require.Equal(t, dry, second.EndedAt)
	require.Equal(t, int64(20*(36*3600+60)), second.Credit.Billed.Int64())
	require.Equal(t, dry, w.receipt(kept).EndedAt)
	require.Equal(t, int64(2*(60*(36*3600+60)+3600)), w.earned(1), "the provider was paid all that was served")
	require.Zero(t, w.float(1))
	w.check()
}

// TestAFundedFloatGoesOn: a customer of a higher priority outlasts the others for as long as what they leave pays for, and a paused lease resumes once
// the gateway has funded its float.
func TestAFundedFloatGoesOn(t *testing.T) {
	w := gatewayWorld(t, 0)
	w.fund(gatewayOf(1), 100_000_000)
	w.fundFloat(50*36*3600*2 + 50*60*2 + 3600*2)
	w.credit(1, 100_000_000)
	w.creditAs(2, types.MsgGrantCredit{Limit: math.NewInt(100_000_000), Priority: 5})
	o := onCreditOf(1, tenant(1), 1)
	o.Grace = time.Hour
	cheap, dear := w.open(o), w.open(onCreditOf(1, tenant(2), 4))
	w.start(cheap)
	w.start(dear)
	w.pass(35 * time.Hour)
	w.vault.setPrice(w.ctx.BlockTime(), 4) // half of what was left is gone
	w.pass(40 * time.Minute)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, w.lease(cheap).State)
	require.Equal(t, types.CloseReason_CLOSE_REASON_GATEWAY_DRY, w.receipt(dear).Reason)
	require.ErrorIs(t, w.try(func(ctx sdk.Context) error {
		_, err := w.k.ResumeLease(ctx, cheap, sdk.Coin{})
		return err
	}), types.ErrFloatTooSmall)
	w.fundFloat(50_000_000)
	_, err := w.k.ResumeLease(w.ctx, cheap, sdk.Coin{})
	require.NoError(t, err)
	w.start(cheap)
	w.pass(time.Hour)
	require.Equal(t, types.LeaseState_LEASE_STATE_RUNNING, w.lease(cheap).State)
	w.check()
}

// TestRevokedCreditEndsLeases: in the same block, with the minimum charge for a lease that its worker had no time to start; who revokes right after
// opening pays for having come.
func TestRevokedCreditEndsLeases(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 1_000_000)
	fresh := w.open(onCreditOf(1, tenant(1), 1))
	old := w.open(onCreditOf(1, tenant(1), 2))
	w.start(old)
	w.pass(10 * time.Second)
	require.NoError(t, w.k.RevokeCredit(w.ctx, gatewayOf(1), tenant(1)))
	w.check()
	require.NoError(t, w.k.EndBlock(w.ctx))
	for i, id := range []types.LeaseID{fresh, old} {
		r, musd := w.receipt(id), int64(600*(i+1))
		require.Equal(t, types.CloseReason_CLOSE_REASON_CREDIT_ENDED, r.Reason)
		require.Equal(t, start.Add(10*time.Second), r.EndedAt)
		require.Equal(t, musd, r.Credit.Billed.Int64(), "the minimum charge")
		require.Equal(t, 2*musd, r.Billed.Int64())
	}
	require.Equal(t, int64(2*1_800), w.earned(1))
	_, err := w.queries.Credit(w.ctx, &types.QueryCreditRequest{Gateway: gatewayOf(1).String(), Customer: tenant(1).String()})
	require.ErrorContains(t, err, "gives", "a revoked line is forgotten with its last lease")
	w.check()
	w.credit(1, 1_000)
	require.Zero(t, w.lineOf(1).Line.Spent.Int64(), "another line")
}

// TestCreditRunsOut: at the nanosecond, by limit or by expiry, whatever the float has; a limit is never set below what is used.
func TestCreditRunsOut(t *testing.T) {
	w := gatewayWorld(t, 50_000_000)
	w.credit(1, 36_000)
	at := start.Add(90*time.Minute + 7)
	w.creditAs(2, types.MsgGrantCredit{Limit: math.NewInt(10_000_000), ExpiresAt: &at})
	spent, expired := w.open(onCreditOf(1, tenant(1), 1)), w.open(onCreditOf(1, tenant(2), 2))
	w.start(spent)
	w.start(expired)
	low := said[*types.EventCreditLow](w, func() {
		for range 12 {
			w.pass(5 * time.Minute)
		}
	})
	require.NotEmpty(t, low)
	r := w.receipt(spent)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, r.Reason)
	require.Equal(t, start.Add(time.Hour), r.EndedAt)
	require.Equal(t, int64(36_000), r.Credit.Billed.Int64())
	w.creditAs(2, types.MsgGrantCredit{Limit: math.OneInt(), ExpiresAt: &at})
	require.Equal(t, int64(20*3600), w.lineOf(2).Line.Limit.Int64(), "what is used can't be taken back")
	w.pass(time.Second)
	r = w.receipt(expired)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, r.Reason, "its limit ended before its time did")
	require.Equal(t, start.Add(time.Hour), r.EndedAt)

	later := w.ctx.BlockTime().Add(time.Hour)
	w.creditAs(2, types.MsgGrantCredit{Limit: math.NewInt(10_000_000), ExpiresAt: &later})
	id := w.open(onCreditOf(1, tenant(2), 2))
	w.start(id)
	w.pass(2 * time.Hour)
	r = w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_CREDIT_ENDED, r.Reason)
	require.Equal(t, later, r.EndedAt)
	w.check()
}

// TestFloatCantBePulled: what running leases need for 1.5 times a day stays, also when ATH falls.
func TestFloatCantBePulled(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 100_000_000)
	w.start(w.open(onCreditOf(1, tenant(1), 1)))
	_, err := w.k.WithdrawFloat(w.ctx, gatewayOf(1), uath(10_000_000-10*36*3600*2-1_200+1))
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	paid, err := w.k.WithdrawFloat(w.ctx, gatewayOf(1), uath(0))
	require.NoError(t, err)
	require.Equal(t, int64(10_000_000-10*36*3600*2-1_200), paid.Amount.Int64())
	w.vault.setPrice(w.ctx.BlockTime(), 6)
	_, err = w.k.WithdrawFloat(w.ctx, gatewayOf(1), uath(1))
	require.ErrorIs(t, err, types.ErrInsufficientFree)
	res, err := w.queries.Gateway(w.ctx, &types.QueryGatewayRequest{Gateway: gatewayOf(1).String()})
	require.NoError(t, err)
	require.Equal(t, int64(10*36*3600*4), res.Missing.Amount.Int64())
	require.NoError(t, w.k.RemoveGateway(w.ctx, gatewayOf(1)))
	_, err = w.k.WithdrawFloat(w.ctx, gatewayOf(1), uath(1))
	require.ErrorIs(t, err, types.ErrInsufficientFree, "nor by being removed")
	w.pass(12 * time.Hour)
	require.Len(t, w.gatewayLeases(), 1, "what runs goes on")
	w.check()
}

func (w *world) gatewayLeases() []types.CarriedLease {
	leases, err := w.k.carriedLeases(w.ctx, gatewayOf(1))
	require.NoError(w.tb, err)
	return leases
}

// TestFaultOnCredit: a fault gives the float back what it paid, and the line what it was charged for the same time; while it runs, and after it has
// ended. The SLA fund gives nothing where the gateway is of the provider's own people.
func TestFaultOnCredit(t *testing.T) {
	for name, ended := range map[string]bool{"running": false, "ended": true} {
		t.Run(name, func(t *testing.T) {
			w := gatewayWorld(t, 10_000_000)
			w.credit(1, 1_000_000)
			id := w.open(onCreditOf(1, tenant(1), 1))
			w.start(id)
			w.pass(20 * time.Minute)
			w.settled(id)
			if ended {
				_, err := w.k.CloseLease(w.ctx, tenant(1), id, 0, nil)
				require.NoError(t, err)
			}
			credited := said[*types.EventSlaCredited](w, func() { w.fault(1, time.Minute) })
			require.Equal(t, "3000musd", credited[0].Credit)
			require.Equal(t, gatewayOf(1).String(), credited[0].Gateway)
			require.Equal(t, int64(10_000_000-15*60*10*2), w.float(1))
			require.Equal(t, int64(15*60*10), w.lineOf(1).Line.Spent.Int64())
			w.check()
		})
	}
	w := gatewayWorld(t, 10_000_000)
	w.providers.collateral = 1_000_000
	w.providers.operators[gatewayOf(1).String()] = provider(1).String()
	require.NoError(t, w.vault.rows.Set(w.ctx, "fund/uath", math.NewInt(1_000_000)))
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(14 * time.Minute)
	w.settled(id)
	require.NoError(t, w.vault.rows.Set(w.ctx, "earned/"+provider(1).String(), math.ZeroInt())) // it has taken its income out
	credited := said[*types.EventSlaCredited](w, func() { w.fault(1, time.Minute) })
	require.Equal(t, "0uath", credited[0].FromFund)
	require.Equal(t, "0musd", credited[0].Credit, "what does not come back to the float does not come back to the line")
}

// TestGangAndStandbyOnCredit: a gang is carried as a whole, a standby takes over on the same line.
func TestGangAndStandbyOnCredit(t *testing.T) {
	w := gatewayWorld(t, 100_000_000)
	w.credit(1, 100_000_000)
	gang := onCreditOf(1, tenant(1), 1, 2)
	gang.Count = 2
	leases, err := w.k.CreateLease(w.ctx, tenant(1), gang)
	require.NoError(t, err)
	require.Len(t, leases, 2)
	o := onCreditOf(1, tenant(1), 3, 4)
	o.Standbys = 1
	id := w.open(o)
	w.start(id)
	w.pass(time.Minute)
	_, err = w.k.Failover(w.ctx, tenant(1), id, 0)
	require.NoError(t, err)
	require.Equal(t, uint64(4), w.lease(id).ContainerId)
	w.start(id)
	w.pass(time.Minute)
	w.settled(id)
	// 30 musd/s for the lease, and 40 for what stood by for it, for a minute each: its minimum charge moves with the lease. Then 40 for it.
	require.Equal(t, int64(60*30+60*40+60*40), w.lineOf(1).Line.Spent.Int64())
	require.Equal(t, int64(2*(60*30+60*40+60*40)), w.earned(1))
	w.check()
	p := types.DefaultParams()
	p.MaxOpenLeases, p.MaxUnstarted = 3, 3
	require.NoError(t, w.k.params.Set(w.ctx, p))
	w.addOffer(9, 1, 1)
	require.ErrorIs(t, w.create(orderFunded(w, tenant(1), 10_000, 9)), types.ErrTooManyLeases, "leases on credit count with the tenant's own")
}

// TestKeysOnCredit counts what a lease on credit writes: to its own, those of the float, of the line, and of the tenant's numbers and counts.
func TestKeysOnCredit(t *testing.T) {
	w := gatewayWorld(t, 100_000_000)
	w.credit(1, 100_000_000)
	w.start(w.open(onCreditOf(1, tenant(1), 4)))
	var id types.LeaseID
	require.Equal(t, 6, w.writes.count(func() { id = w.open(onCreditOf(1, tenant(1), 1)) }), "lease, price index, gateway, line, account, the gateway's leases")
	require.Equal(t, 4, w.writes.count(func() { w.start(id) }), "lease, gateway, line, account")
	w.pass(time.Minute)
	require.Equal(t, 3, w.writes.count(func() { w.settled(id) }), "lease, gateway, line")
}

// TestGatewayRights: who may do what.
func TestGatewayRights(t *testing.T) {
	w := gatewayWorld(t, 0)
	rate := math.NewInt(1)
	_, err := w.msgs.RegisterGateway(w.ctx, &types.MsgRegisterGateway{Authority: tenant(1).String(), Gateway: tenant(1).String(), Name: "me", MaxCustomers: 1, MaxRate: rate})
	require.ErrorIs(t, err, types.ErrUnauthorized)
	_, err = w.msgs.RemoveGateway(w.ctx, &types.MsgRemoveGateway{Authority: tenant(1).String(), Gateway: gatewayOf(1).String()})
	require.ErrorIs(t, err, types.ErrUnauthorized)
	_, err = w.msgs.GrantCredit(w.ctx, &types.MsgGrantCredit{Gateway: tenant(1).String(), Customer: tenant(2).String(), Limit: rate})
	require.ErrorIs(t, err, types.ErrGatewayNotFound)
	_, err = w.msgs.RevokeCredit(w.ctx, &types.MsgRevokeCredit{Gateway: gatewayOf(1).String(), Customer: tenant(2).String()})
	require.ErrorIs(t, err, types.ErrCreditNotFound)
	for name, m := range map[string]types.MsgRegisterGateway{
		"no name": {MaxCustomers: 1, MaxRate: rate}, "a name of control characters": {Name: "a\n", MaxCustomers: 1, MaxRate: rate},
		"no customers": {Name: "a", MaxRate: rate}, "no rate": {Name: "a", MaxCustomers: 1},
	} {
		m.Authority, m.Gateway = w.authority.String(), gatewayOf(2).String()
		_, err := w.msgs.RegisterGateway(w.ctx, &m)
		require.Error(t, err, name)
	}
	w.register(1, 1, 10)
	w.credit(1, 5)
	_, err = w.msgs.GrantCredit(w.ctx, &types.MsgGrantCredit{Gateway: gatewayOf(1).String(), Customer: tenant(2).String(), Limit: rate})
	require.ErrorIs(t, err, types.ErrGatewayLimit)
	w.credit(1, 7)
	require.Equal(t, int64(7), w.lineOf(1).Line.Limit.Int64())
	past := start
	for name, m := range map[string]types.MsgGrantCredit{
		"no limit": {}, "expired": {Limit: rate, ExpiresAt: &past}, "priority": {Limit: rate, Priority: 101}, "negative rate": {Limit: rate, MaxRate: math.NewInt(-1)},
	} {
		m.Gateway, m.Customer = gatewayOf(1).String(), tenant(1).String()
		_, err := w.msgs.GrantCredit(w.ctx, &m)
		require.ErrorIs(t, err, types.ErrInvalidCredit, name)
	}
	w.fund(tenant(5), 100)
	res, err := w.msgs.FundFloat(w.ctx, &types.MsgFundFloat{Depositor: tenant(5).String(), Gateway: gatewayOf(1).String(), Amount: uath(100)})
	require.NoError(t, err)
	require.Equal(t, "100uath", res.Balance.String())
	_, err = w.msgs.WithdrawFloat(w.ctx, &types.MsgWithdrawFloat{Gateway: gatewayOf(1).String(), Amount: uath(0)})
	require.NoError(t, err)
	require.Equal(t, int64(100), w.bank(gatewayOf(1)), "whoever paid, it is the gateway's")
	credits, err := w.queries.Credits(w.ctx, &types.QueryCreditsRequest{Gateway: gatewayOf(1).String()})
	require.NoError(t, err)
	require.Len(t, credits.Credits, 1)
	credits, err = w.queries.Credits(w.ctx, &types.QueryCreditsRequest{Customer: tenant(1).String()})
	require.NoError(t, err)
	require.Len(t, credits.Credits, 1)
	_, err = w.queries.Credits(w.ctx, &types.QueryCreditsRequest{})
	require.ErrorIs(t, err, types.ErrInvalidField)
	gateways, err := w.queries.Gateways(w.ctx, &types.QueryGatewaysRequest{})
	require.NoError(t, err)
	require.Len(t, gateways.Gateways, 1)
	w.check()
}

// creditWorld has a running, a waiting, a paused and an ended lease on credit.
func creditWorld(tb tester) *world {
	w := gatewayWorld(tb, 100_000_000)
	w.credit(1, 100_000_000)
	w.credit(2, 14_400)
	w.start(w.open(onCreditOf(1, tenant(1), 1)))
	w.open(onCreditOf(1, tenant(1), 2))
	o := onCreditOf(1, tenant(2), 3)
	o.Grace = time.Hour
	w.start(w.open(o))
	done := w.open(onCreditOf(1, tenant(1), 4))
	w.start(done)
	w.pass(time.Minute)
	_, err := w.k.CloseLease(w.ctx, tenant(1), done, 0, nil)
	require.NoError(tb, err)
	w.pass(7 * time.Minute)
	w.check()
	require.Equal(tb, types.LeaseState_LEASE_STATE_PAUSED, w.lease(types.LeaseID{Tenant: tenant(2), Number: 1}).State)
	return w
}

// TestCreditGenesisRoundTrip: an exported state goes on as the one that it was exported from.
func TestCreditGenesisRoundTrip(t *testing.T) {
	w := creditWorld(t)
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	require.Len(t, exported.Gateways, 1)
	require.Len(t, exported.CreditLines, 2)
	require.Len(t, exported.Leases, 3)
	fresh := newWorld(t)
	fresh.ctx = fresh.ctx.WithBlockTime(w.ctx.BlockTime())
	fresh.copyFrom(w)
	fresh.vault.usd = w.vault.usd
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	fresh.check()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(exported), fresh.cdc.MustMarshalJSON(again))
	for _, world := range []*world{w, fresh} {
		world.pass(100 * 24 * time.Hour)
		world.pass(100 * 24 * time.Hour)
		world.check()
	}
	after, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.Empty(t, after.Leases)
	afterFresh, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(after), fresh.cdc.MustMarshalJSON(afterFresh))

	for name, change := range map[string]func(*types.GenesisState){
		"no gateway":         func(g *types.GenesisState) { g.Gateways = nil },
		"no line":            func(g *types.GenesisState) { g.CreditLines = g.CreditLines[1:] },
		"lines out of order": func(g *types.GenesisState) { g.CreditLines[0], g.CreditLines[1] = g.CreditLines[1], g.CreditLines[0] },
		"float's rate":       func(g *types.GenesisState) { g.Gateways[0].Float.Usd.Rate = math.OneInt() },
		"float of another":   func(g *types.GenesisState) { g.Gateways[0].Float.Tenant = tenant(1).String() },
		"customers":          func(g *types.GenesisState) { g.Gateways[0].Customers++ },
		"name":               func(g *types.GenesisState) { g.Gateways[0].Name = "" },
		"line's accrual":     func(g *types.GenesisState) { g.CreditLines[0].Account.Accrued = math.OneInt() },
		"line overspent":     func(g *types.GenesisState) { g.CreditLines[0].Limit = math.ZeroInt() },
		"line's denom":       func(g *types.GenesisState) { g.CreditLines[0].Account.Denom = "uath" },
		"line's priority":    func(g *types.GenesisState) { g.CreditLines[0].Priority = 101 },
		"lease in uath":      func(g *types.GenesisState) { g.Leases[0].PriceDenom, g.Leases[0].UsdIndex = "", nil },
		"lease's reserve":    func(g *types.GenesisState) { g.Leases[0].Credit.Reserve = math.NewInt(-1) },
		"lease's remainder":  func(g *types.GenesisState) { g.Leases[0].Credit.Remainder = math.NewIntWithDecimal(1, 27) },
		"lease given back":   func(g *types.GenesisState) { g.Leases[0].Credit.Credited = types.MaxAmount },
		"tenant's counts":    func(g *types.GenesisState) { g.Accounts[0].OtherLeases = 0 },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			var g types.GenesisState
			w.cdc.MustUnmarshalJSON(w.cdc.MustMarshalJSON(exported), &g)
			change(&g)
			require.Error(t, g.Validate())
		})
	}
}

// TestCreditInvariantsSeeDamage: each fails on a state that breaks it.
func TestCreditInvariantsSeeDamage(t *testing.T) {
	gateway := func(change func(*types.Gateway)) func(*world) error {
		return func(w *world) error {
			g, err := w.k.gateway(w.ctx, gatewayOf(1))
			require.NoError(w.tb, err)
			change(&g)
			return w.k.gateways.Set(w.ctx, gatewayOf(1), g)
		}
	}
	line := func(change func(*types.CreditLine)) func(*world) error {
		return func(w *world) error {
			l, err := w.k.line(w.ctx, gatewayOf(1), tenant(1))
			require.NoError(w.tb, err)
			change(&l)
			return w.k.lines.Set(w.ctx, collections.Join(tenant(1), gatewayOf(1)), l)
		}
	}
	for name, damage := range map[string]func(*world) error{
		"A1 float accrual": gateway(func(g *types.Gateway) { g.Float.Accrued = g.Float.Accrued.AddRaw(1) }),
		"A1 line accrual":  line(func(l *types.CreditLine) { l.Account.Accrued = l.Account.Accrued.AddRaw(1) }),
		"A1 tenant counts": func(w *world) error {
			account, err := w.k.uathAccount(w.ctx, tenant(1))
			require.NoError(w.tb, err)
			account.OtherUnstarted++
			return w.k.accounts.Set(w.ctx, collections.Join(tenant(1), "uath"), account)
		},
		"A2 float":            func(w *world) error { return w.vault.rows.Set(w.ctx, "float/"+gatewayOf(1).String(), math.OneInt()) },
		"A2 line":             line(func(l *types.CreditLine) { l.Spent = l.Limit }),
		"A2 line overpaid":    line(func(l *types.CreditLine) { l.Spent = math.NewInt(-1) }),
		"A3 float not queued": gateway(func(g *types.Gateway) { g.Float.QueuedAt = 0 }),
		"A3 line not queued":  line(func(l *types.CreditLine) { l.Account.QueuedAt = 0 }),
		"A3 float queued twice": func(w *world) error {
			return w.k.exhaustion.Set(w.ctx, collections.Join3(int64(5), gatewayOf(1), floatEntry))
		},
		"F1 customers":      gateway(func(g *types.Gateway) { g.Customers++ }),
		"F1 customer index": func(w *world) error { return w.k.customers.Clear(w.ctx, nil) },
		"F1 lease index":    func(w *world) error { return w.k.carried.Clear(w.ctx, nil) },
		"F1 stray lease": func(w *world) error {
			return w.k.carried.Set(w.ctx, collections.Join3(gatewayOf(1), tenant(1), uint64(99)))
		},
		"F1 revoked for ever": func(w *world) error {
			w.credit(3, 5)
			l, err := w.k.line(w.ctx, gatewayOf(1), tenant(3))
			require.NoError(w.tb, err)
			return w.k.lines.Set(w.ctx, collections.Join(tenant(3), gatewayOf(1)), l.Revoke(w.ctx.BlockTime()))
		},
		"no gateway": func(w *world) error { return w.k.gateways.Clear(w.ctx, nil) },
		"no line":    func(w *world) error { return w.k.lines.Clear(w.ctx, nil) },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			w := creditWorld(t)
			require.NoError(t, damage(w))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}

// TestAParkedFloatGoesOn: a lease that can't be paid stops neither the block nor the other gateways, and the next message finishes the work.
func TestAParkedFloatGoesOn(t *testing.T) {
	w := gatewayWorld(t, 10*36*3600*2+1_200)
	w.credit(1, 100_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.vault.broken[provider(1).String()] = true
	parked := said[*types.EventQueueParked](w, func() { w.pass(40 * time.Hour) })
	require.Len(t, parked, 1)
	require.Empty(t, said[*types.EventQueueParked](w, func() { w.pass(time.Hour) }), "not retried")
	w.vault.broken = map[string]bool{}
	w.settled(id)
	w.pass(time.Second)
	require.Equal(t, types.CloseReason_CLOSE_REASON_GATEWAY_DRY, w.receipt(id).Reason)
	require.Equal(t, start.Add(36*time.Hour+time.Minute), w.receipt(id).EndedAt)
	w.check()
}

// TestDryFloatIsBounded: a block takes no more leases off floats than the parameter says, and it does not matter in how many blocks it is done.
func TestDryFloatIsBounded(t *testing.T) {
	w := gatewayWorld(t, 0)
	w.fund(gatewayOf(1), 1_000_000_000)
	w.fundFloat(100*36*3600*2 + 100*60*2)
	for n := uint64(1); n <= 4; n++ {
		w.credit(n, 100_000_000)
		w.start(w.open(onCreditOf(1, tenant(n), n)))
	}
	p := types.DefaultParams()
	p.MaxClosesPerBlock = 1
	require.NoError(t, w.k.params.Set(w.ctx, p))
	w.pass(40 * time.Hour)
	for left := 3; left >= 0; left-- {
		require.Len(t, w.gatewayLeases(), left)
		w.check()
		w.pass(time.Second)
	}
	for n := uint64(1); n <= 4; n++ {
		require.Equal(t, start.Add(36*time.Hour+time.Minute), w.receipt(types.LeaseID{Tenant: tenant(n), Number: 1}).EndedAt)
	}
}

// TestABrokenLeaseOnCredit: a provider that ends a lease without notice gives back what it was billed in as much time, to the float and to the line.
func TestABrokenLeaseOnCredit(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(90 * time.Minute)
	_, err := w.k.CloseLease(w.ctx, provider(1), id, 0, nil)
	require.NoError(t, err)
	broken := said[*types.EventLeaseBroken](w, func() { require.NoError(t, w.k.EndBlock(w.ctx)) })
	require.Len(t, broken, 1)
	require.Equal(t, "36000musd", broken[0].Credit, "an hour's notice")
	require.Equal(t, int64(30*60*10), w.lineOf(1).Line.Spent.Int64())
	require.Equal(t, int64(10_000_000-30*60*10*2), w.float(1))
	w.check()
}

// TestAnEarnedReserveOfTheLineIsSpent: where ATH has fallen, what the float held back for the minimum charge is earned sooner than what the line did; a line that
// runs out spends its own all the same.
func TestAnEarnedReserveOfTheLineIsSpent(t *testing.T) {
	w := gatewayWorld(t, 10_000_000)
	w.credit(1, 36_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.vault.setPrice(w.ctx.BlockTime(), 4)
	w.pass(40 * time.Second)
	w.settled(id)
	lease := w.lease(id)
	require.True(t, lease.Reserve.IsZero() && lease.Credit.Reserve.IsPositive())
	w.pass(2 * time.Hour)
	require.Equal(t, start.Add(time.Hour), w.receipt(id).EndedAt)
	require.Equal(t, int64(36_000), w.receipt(id).Credit.Billed.Int64())
	w.check()
}
