// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"encoding/json"
	"testing"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/x/leases/types"
)

const (
	modelGateways  = 2
	modelCustomers = 3
)

func gatewayOf(n uint64) sdk.AccAddress { return someone(600 + n) }

// bazaar is a market in which gateways pay.
type bazaar struct {
	*world
	open      []types.LeaseID
	total     math.Int
	params    types.Params
	faulty    map[uint64]bool
	recovered map[uint64]time.Time
	reasons   map[types.CloseReason]int
}

func newBazaar(tb tester) *bazaar {
	b := &bazaar{world: newWorld(tb), params: types.DefaultParams(), faulty: map[uint64]bool{}, recovered: map[uint64]time.Time{}, reasons: map[types.CloseReason]int{}}
	b.vault.setPrice(start, 4)
	for id := uint64(1); id <= modelContainers; id++ {
		b.addContainer(id, ownerOf(id))
		o := usdOffer(id, int64(1+id*id))
		o.StandbyRate, o.StorageRate = math.NewInt(500_000), math.NewInt(100_000*int64(id))
		require.NoError(tb, b.k.SetOffers(b.ctx, provider(ownerOf(id)), []types.Offer{o}))
	}
	for n := uint64(1); n <= modelGateways; n++ {
		b.fund(gatewayOf(n), 10_000_000)
		b.register(n, 2, 60)
	}
	b.params.FloatHorizon, b.params.FloatRatioPpm = time.Hour, 1_500_000
	require.NoError(tb, b.k.params.Set(b.ctx, b.params))
	b.total = b.vault.total(b.ctx)
	return b
}

// register makes an address a gateway for some customers, and some musd a second.
func (w *world) register(n uint64, customers uint32, rate int64) {
	w.tb.Helper()
	_, err := w.msgs.RegisterGateway(w.ctx, &types.MsgRegisterGateway{
		Authority: w.authority.String(), Gateway: gatewayOf(n).String(), Name: "Gateway", MaxCustomers: customers, MaxRate: math.NewInt(rate * 1_000_000),
	})
	require.NoError(w.tb, err)
}

func (w *world) float(n uint64) int64 {
	return w.vault.get(w.ctx, "float/"+gatewayOf(n).String()).Int64()
}

// onCredit is an order for offers in musd that a gateway pays.
func onCreditOf(n uint64, customer sdk.AccAddress, candidates ...uint64) *types.MsgCreateLease {
	o := order(customer, 0, candidates...)
	o.Deposit, o.PriceDenom, o.Gateway = sdk.Coin{}, types.MicroUSD, gatewayOf(n).String()
	return o
}

func (b *bazaar) do(tx func(sdk.Context) error) bool { return b.try(tx) == nil }

func (b *bazaar) fundFloat(t *rapid.T) {
	n := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway")
	amount := rapid.Int64Range(1, 400_000).Draw(t, "amount")
	b.do(func(ctx sdk.Context) error {
		_, err := b.msgs.FundFloat(ctx, &types.MsgFundFloat{Depositor: gatewayOf(n).String(), Amount: uath(amount)})
		return err
	})
}

// withdrawFloat never leaves a float with less than its leases need.
func (b *bazaar) withdrawFloat(t *rapid.T) {
	n := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway")
	amount := rapid.Int64Range(0, 100_000).Draw(t, "amount")
	if !b.do(func(ctx sdk.Context) error {
		_, err := b.msgs.WithdrawFloat(ctx, &types.MsgWithdrawFloat{Gateway: gatewayOf(n).String(), Amount: uath(amount)})
		return err
	}) {
		return
	}
	res, err := b.queries.Gateway(b.ctx, &types.QueryGatewayRequest{Gateway: gatewayOf(n).String()})
	require.NoError(t, err)
	require.True(t, res.Missing.IsZero(), "%s missing after a withdrawal", res.Missing)
}

func (b *bazaar) grant(t *rapid.T) {
	n, who := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway"), tenant(rapid.Uint64Range(1, modelCustomers).Draw(t, "customer"))
	msg := &types.MsgGrantCredit{
		Gateway: gatewayOf(n).String(), Customer: who.String(), Limit: math.NewInt(rapid.Int64Range(1, 300_000).Draw(t, "limit")),
		Priority: rapid.Uint32Range(0, 2).Draw(t, "priority"), MaxRate: math.NewInt(rapid.Int64Range(0, 80).Draw(t, "max rate") * 1_000_000),
	}
	if rapid.Bool().Draw(t, "expires") {
		at := b.ctx.BlockTime().Add(time.Duration(rapid.Int64Range(1, int64(3*time.Hour)).Draw(t, "after")))
		msg.ExpiresAt = &at
	}
	b.do(func(ctx sdk.Context) error {
		_, err := b.msgs.GrantCredit(ctx, msg)
		return err
	})
}

func (b *bazaar) revoke(t *rapid.T) {
	n, who := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway"), tenant(rapid.Uint64Range(1, modelCustomers).Draw(t, "customer"))
	b.do(func(ctx sdk.Context) error {
		_, err := b.msgs.RevokeCredit(ctx, &types.MsgRevokeCredit{Gateway: gatewayOf(n).String(), Customer: who.String()})
		return err
	})
}

func (b *bazaar) create(t *rapid.T) {
	n, who := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway"), rapid.Uint64Range(1, modelCustomers).Draw(t, "customer")
	msg := onCreditOf(n, tenant(who), rapid.Uint64Range(1, modelContainers).Draw(t, "container"))
	msg.Priority = rapid.Uint32Range(0, 2).Draw(t, "priority")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		msg.Count, msg.Requirement = 2, &types.Requirement{Class: "cpu"}
	case 1:
		msg.Standbys, msg.Requirement = 1, &types.Requirement{Class: "cpu"}
	case 2:
		msg.Grace = time.Duration(rapid.Int64Range(int64(time.Minute), int64(2*time.Hour)).Draw(t, "grace"))
	case 3:
		msg.Duration = time.Duration(rapid.Int64Range(int64(time.Minute), int64(2*time.Hour)).Draw(t, "duration"))
	}
	var opened []string
	if !b.do(func(ctx sdk.Context) error {
		if rapid.Bool().Draw(t, "in a batch") {
			res, err := b.msgs.CreateLeases(ctx, &types.MsgCreateLeases{Tenant: msg.Tenant, Orders: []types.MsgCreateLease{*msg, *msg}, Partial: true})
			if err == nil {
				for _, r := range res.Results {
					for _, o := range r.Leases {
						opened = append(opened, o.LeaseId)
					}
				}
			}
			return err
		}
		leases, err := b.k.CreateLease(ctx, tenant(who), msg)
		for _, lease := range leases {
			opened = append(opened, lease.ID())
		}
		return err
	}) {
		return
	}
	for _, name := range opened {
		id, err := types.ParseLeaseID(name)
		require.NoError(t, err)
		b.open = append(b.open, id)
	}
	if len(opened) == 0 {
		return
	}
	res, err := b.queries.Gateway(b.ctx, &types.QueryGatewayRequest{Gateway: gatewayOf(n).String()})
	require.NoError(t, err)
	require.True(t, res.Missing.IsZero(), "a float carries its leases for 1.5 times the horizon when one is opened")
	line, err := b.k.line(b.ctx, gatewayOf(n), tenant(who))
	require.NoError(t, err)
	require.False(t, line.Ended(b.ctx.BlockTime()) || line.MaxRate.IsPositive() && line.Account.Rate.GT(line.MaxRate))
	require.True(t, res.Gateway.Float.Usd.Rate.LTE(res.Gateway.MaxRate))
}

func (b *bazaar) pick(t *rapid.T) (types.LeaseID, types.Lease, bool) {
	if len(b.open) == 0 {
		return types.LeaseID{}, types.Lease{}, false
	}
	id := rapid.SampledFrom(b.open).Draw(t, "lease")
	lease, err := b.k.Lease(b.ctx, id)
	require.NoError(t, err)
	return id, lease, true
}

func (b *bazaar) startOne(t *rapid.T) {
	if id, lease, ok := b.pick(t); ok && lease.State == types.LeaseState_LEASE_STATE_ACTIVE {
		owner, now := sdk.MustAccAddressFromBech32(lease.Provider), b.ctx.BlockTime()
		b.do(func(ctx sdk.Context) error {
			return b.k.SubmitUsage(ctx, owner, []types.UsageRecord{b.record(id, now, now)})
		})
	}
}

func (b *bazaar) settleOne(t *rapid.T) {
	if id, _, ok := b.pick(t); ok {
		_, err := b.k.Settle(b.ctx, id)
		require.NoError(t, err)
	}
}

func (b *bazaar) closeOne(t *rapid.T) {
	if id, lease, ok := b.pick(t); ok {
		signer := rapid.SampledFrom([]sdk.AccAddress{id.Tenant, sdk.MustAccAddressFromBech32(lease.Provider)}).Draw(t, "signer")
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.CloseLease(ctx, signer, id, 0, nil)
			return err
		})
	}
}

func (b *bazaar) resumeOne(t *rapid.T) {
	if id, _, ok := b.pick(t); ok {
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.ResumeLease(ctx, id, sdk.Coin{})
			return err
		})
	}
}

func (b *bazaar) failoverOne(t *rapid.T) {
	if id, _, ok := b.pick(t); ok {
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.Failover(ctx, id.Tenant, id, 0)
			return err
		})
	}
}

func (b *bazaar) toggleFault(t *rapid.T) {
	id := rapid.Uint64Range(1, modelContainers).Draw(t, "container")
	b.faulty[id] = !b.faulty[id]
	require.NoError(t, b.providers.setFault(b.ctx, id, b.faulty[id]))
	if b.faulty[id] {
		// Checkers tell of it late, also after leases have ended; x/checks knows of none before the last recovery.
		since := b.ctx.BlockTime().Add(-time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "late")))
		if since.Before(b.recovered[id]) {
			since = b.recovered[id]
		}
		require.NoError(t, b.k.Fault(b.ctx, id, since))
		return
	}
	b.recovered[id] = b.ctx.BlockTime()
	require.NoError(t, b.k.Recovered(b.ctx, id))
}

func (b *bazaar) governance(t *rapid.T) {
	n := rapid.Uint64Range(1, modelGateways).Draw(t, "gateway")
	if rapid.Bool().Draw(t, "remove") {
		_, err := b.msgs.RemoveGateway(b.ctx, &types.MsgRemoveGateway{Authority: b.authority.String(), Gateway: gatewayOf(n).String()})
		require.NoError(t, err)
		return
	}
	b.register(n, rapid.Uint32Range(1, 3).Draw(t, "customers"), rapid.Int64Range(1, 80).Draw(t, "rate"))
}

func (b *bazaar) changeParams(t *rapid.T) {
	p := b.params
	p.MaxGatewayLeases, p.MaxClosesPerBlock = rapid.Uint32Range(1, 6).Draw(t, "leases"), rapid.Uint32Range(1, 4).Draw(t, "closes")
	p.MaxOpenLeases, p.MaxUnstarted = rapid.Uint32Range(2, 6).Draw(t, "open"), 2
	require.NoError(t, b.k.params.Set(b.ctx, p))
}

func (b *bazaar) wait(t *rapid.T) {
	b.pass(time.Duration(rapid.OneOf(
		rapid.Int64Range(1, int64(3*time.Second)), rapid.Int64Range(1, int64(40*time.Minute)),
	).Draw(t, "wait")))
	b.exports()
}

// invariants: nothing is lost, no limit is passed, and every line was charged for exactly the time that its float paid for.
func (b *bazaar) invariants(t *rapid.T) {
	var open []types.LeaseID
	for _, id := range b.open {
		if _, err := b.k.Lease(b.ctx, id); err == nil {
			open = append(open, id)
			continue
		}
		b.audit(t, id)
	}
	b.open = open
	b.check()
	require.Equal(t, b.total.String(), b.vault.total(b.ctx).String(), "funded = withdrawn + paid + float")
	err := b.k.lines.Walk(b.ctx, nil, func(_ pairKey, line types.CreditLine) (bool, error) {
		require.True(t, !line.Spent.IsNegative() && line.Spent.LTE(line.Limit), "%s of %s", line.Spent, line.Limit)
		return false, nil
	})
	require.NoError(t, err)
}

// audit compares what a lease has cost on both meters.
func (b *bazaar) audit(t *rapid.T, id types.LeaseID) {
	receipt := b.receipt(id)
	b.reasons[receipt.Reason]++
	require.NotEmpty(t, receipt.Gateway())
	if receipt.StartedAt == nil {
		return
	}
	// All rates lie between the standby rate and the offer's, and so does what the line was charged, less the minimum, for the time served.
	served := receipt.EndedAt.Sub(*receipt.StartedAt)
	most := math.NewInt(1 + modelContainers*modelContainers).MulRaw(int64(served)).QuoRaw(int64(time.Second))
	require.True(t, receipt.Credit.Billed.Sub(receipt.Credit.Minimum).LTE(most.AddRaw(2*60*(1+modelContainers*modelContainers))),
		"%s musd for %s", receipt.Credit.Billed, served)
	require.True(t, receipt.Credit.Credited.LTE(receipt.Credit.Billed))
	if receipt.Billed.Sub(receipt.Minimum).IsZero() {
		return
	}
	require.True(t, receipt.Credit.Billed.IsPositive() || receipt.Billed.LTE(math.NewInt(9)), "what the float pays, the line is charged")
}

func (b *bazaar) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"fund": b.fundFloat, "withdraw": b.withdrawFloat, "grant": b.grant, "revoke": b.revoke, "create": b.create, "start": b.startOne,
		"settle": b.settleOne, "close": b.closeOne, "resume": b.resumeOne, "failover": b.failoverOne, "fault": b.toggleFault, "governance": b.governance,
		"parameters": b.changeParams, "wait": b.wait, "wait more": b.wait, "grant more": b.grant, "create more": b.create,
		// Not twice as much: the queue looks before half of the way to the end.
		"price": func(t *rapid.T) { b.vault.setPrice(b.ctx.BlockTime(), rapid.Int64Range(4, 7).Draw(t, "uath per musd")) },
		"":      b.invariants,
	}
}

// TestModelWithGateways: conservation, limits and all invariants after every message of gateways and their customers, and everything ends.
func TestModelWithGateways(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBazaar(t)
		for n := uint64(1); n <= modelGateways; n++ {
			_, err := b.k.FundFloat(b.ctx, gatewayOf(n), gatewayOf(n), uath(600_000))
			require.NoError(t, err)
			for c := n; c <= n+1; c++ {
				_, err := b.k.GrantCredit(b.ctx, gatewayOf(n), tenant(c), &types.MsgGrantCredit{Limit: math.NewInt(100_000), Priority: uint32(c % 2)})
				require.NoError(t, err)
			}
		}
		t.Repeat(b.actions())
		for range 40 {
			b.pass(10 * time.Hour)
		}
		for range 10 * len(b.open) {
			b.pass(time.Second)
		}
		b.invariants(t)
		for _, id := range b.open {
			lease, err := b.k.Lease(b.ctx, id)
			require.NoError(t, err)
			require.True(t, b.faulty[lease.ContainerId], "400 hours are more than any float or line, unless the Container was down")
		}
	})
}

// deal is a step of a script of TestOrderDoesNotMatterOnCredit.
type deal struct {
	kind                int
	gateway, customer   uint64
	container           uint64
	nth                 int
	amount, uath        int64
	wait, grace, expiry time.Duration
	priority            uint32
}

func drawDeals(t *rapid.T) []deal {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) deal {
		d := deal{
			kind: rapid.IntRange(0, 8).Draw(t, "kind"), gateway: rapid.Uint64Range(1, modelGateways).Draw(t, "gateway"),
			customer: rapid.Uint64Range(1, modelCustomers).Draw(t, "customer"), container: rapid.Uint64Range(1, modelContainers).Draw(t, "container"),
			nth: rapid.IntRange(0, 5).Draw(t, "nth"), amount: rapid.Int64Range(20_000, 200_000).Draw(t, "amount"),
			uath: rapid.Int64Range(1, 9).Draw(t, "uath per musd"), priority: rapid.Uint32Range(0, 2).Draw(t, "priority"),
			wait: time.Duration(rapid.Int64Range(1, int64(30*time.Minute)).Draw(t, "wait")),
		}
		if rapid.Bool().Draw(t, "with grace") {
			d.grace = time.Duration(rapid.Int64Range(int64(time.Minute), int64(time.Hour)).Draw(t, "grace"))
		}
		if rapid.Bool().Draw(t, "expires") {
			d.expiry = time.Duration(rapid.Int64Range(int64(time.Minute), int64(4*time.Hour)).Draw(t, "expiry"))
		}
		return d
	}), 1, 25).Draw(t, "script")
}

// perform plays a script; eager settles every open lease at every step and waits in small blocks. It returns all receipts, and what floats and
// lines have left.
func perform(t tester, script []deal, eager bool) map[string]string {
	b := newBazaar(t)
	at := start
	for _, d := range script {
		at = at.Add(d.wait + d.grace)
		b.vault.setPrice(at, d.uath)
	}
	for n := uint64(1); n <= modelGateways; n++ {
		b.register(n, 9, 200)
		_, err := b.k.FundFloat(b.ctx, gatewayOf(n), gatewayOf(n), uath(800_000))
		require.NoError(t, err)
		for c := uint64(1); c <= modelCustomers; c++ {
			_, err := b.k.GrantCredit(b.ctx, gatewayOf(n), tenant(c), &types.MsgGrantCredit{Limit: math.NewInt(60_000), Priority: uint32(c % 2)})
			require.NoError(t, err)
		}
	}
	said, price := map[string]string{}, halving{}
	pass := func(d time.Duration) {
		if eager {
			for range 7 {
				b.pass(d / 10)
				for _, id := range b.open {
					_, err := b.k.Settle(b.ctx, id)
					require.NoError(t, err)
				}
			}
			d -= d / 10 * 7
		}
		b.pass(d)
		price.looked(b.world, func(ctx sdk.Context) (floats []*purse, err error) {
			for n := uint64(1); n <= modelGateways; n++ {
				p, err := b.k.openFloat(ctx, gatewayOf(n))
				if err != nil {
					return nil, err
				}
				floats = append(floats, p)
			}
			return floats, nil
		})
		var open []types.LeaseID
		for _, id := range b.open {
			r, err := b.k.Receipt(b.ctx, id)
			if err != nil {
				open = append(open, id)
				continue
			}
			bz, err := json.Marshal([]string{r.Billed.String(), r.Refunded.String(), r.EndedAt.String(), r.Reason.String(), r.Credit.Billed.String()})
			require.NoError(t, err)
			said[id.String()] = string(bz)
		}
		b.open = open
	}
	for _, d := range script {
		b.perform(t, d)
		pass(d.wait)
	}
	pass(1000 * time.Hour)
	pass(1000 * time.Hour)
	require.Empty(t, b.open)
	b.check()
	for n := uint64(1); n <= modelGateways; n++ {
		said["float of "+gatewayOf(n).String()] = b.vault.get(b.ctx, "float/"+gatewayOf(n).String()).String()
	}
	err := b.k.lines.Walk(b.ctx, nil, func(key pairKey, line types.CreditLine) (bool, error) {
		said[key.K1().String()+" at "+key.K2().String()] = line.Spent.String()
		return false, nil
	})
	require.NoError(t, err)
	return said
}

func (b *bazaar) perform(t tester, d deal) {
	gateway, customer := gatewayOf(d.gateway), tenant(d.customer)
	switch {
	case d.kind < 3:
		msg := onCreditOf(d.gateway, customer, d.container)
		msg.Grace, msg.Priority = d.grace, d.priority
		b.do(func(ctx sdk.Context) error {
			leases, err := b.k.CreateLease(ctx, customer, msg)
			if err == nil {
				b.open = append(b.open, types.LeaseID{Tenant: customer, Number: leases[0].Number})
			}
			return err
		})
	case d.kind == 3:
		b.do(func(ctx sdk.Context) error {
			return b.k.RevokeCredit(ctx, gateway, customer)
		})
	case d.kind == 4:
		msg := &types.MsgGrantCredit{Limit: math.NewInt(d.amount), Priority: d.priority}
		if d.expiry > 0 {
			at := b.ctx.BlockTime().Add(d.expiry)
			msg.ExpiresAt = &at
		}
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.GrantCredit(ctx, gateway, customer, msg)
			return err
		})
	case len(b.open) == 0:
	case d.kind < 7:
		id := b.open[d.nth%len(b.open)]
		if lease, err := b.k.Lease(b.ctx, id); err == nil && lease.State == types.LeaseState_LEASE_STATE_ACTIVE {
			b.start(id)
		}
	case d.kind == 7:
		id := b.open[d.nth%len(b.open)]
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.CloseLease(ctx, id.Tenant, id, 0, nil)
			return err
		})
	case d.kind == 8:
		id := b.open[d.nth%len(b.open)]
		b.do(func(ctx sdk.Context) error {
			_, err := b.k.ResumeLease(ctx, id, sdk.Coin{})
			return err
		})
	}
}

// TestOrderDoesNotMatterOnCredit: where leases on credit are settled all the time in many blocks, and where they are left alone, the same
// receipts are written, and floats and lines have the same left.
func TestOrderDoesNotMatterOnCredit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		script := drawDeals(t)
		require.Equal(t, perform(t, script, false), perform(t, script, true))
	})
}
