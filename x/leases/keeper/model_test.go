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

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

const (
	modelTenants    = 3
	modelFriends    = 2
	modelFunds      = 1_000_000
	modelContainers = 6
	modelStable     = "uusdc"
)

// modelDenoms are those that pay.
var modelDenoms = []string{athtypes.Denom, modelStable}

// history is the plain map that the market is compared with: what a lease served, as its tenant would write it down.
type history struct {
	rate    int64
	denom   string   // of the rate
	least   math.Int // what the lease costs at least, if its tenant or time ends it
	started time.Time
	outage  time.Duration // while running
	term    time.Time     // up to when a tenant who leaves a reserved lease pays; zero on demand
	told    bool          // its provider has given notice
}

// market runs random messages against the keeper and keeps a history beside it.
type market struct {
	*world
	open    []types.LeaseID
	leases  map[string]*history
	faulty  map[uint64]time.Time
	totals  map[string]math.Int // of each denom
	numbers map[string]uint64   // the last of each tenant
	faults  bool
	reasons map[types.CloseReason]int
	offers  map[uint64]price
	params  types.Params
	uath    int64 // that a musd costs
	marks   map[string]mark
	logged  uint64
}

// mark is what the chain has said of a lease, or of an account's numbers, and never takes back.
type mark struct {
	billed, credited math.Int
	settled          time.Time
	records, next    uint64
}

// price is a standing offer: whole units per second, the least time that is charged, the only tenant who may take it (0: anybody), one who
// may not (0: nobody), and what it costs reserved, for an hour or more (0: it can't be).
type price struct {
	rate     int64
	denom    string
	minimum  time.Duration
	only     uint64
	denied   uint64
	supply   bool // it is below the ceiling at the price at which it was set
	reserved int64
}

// offer is what the provider sends.
func (p price) offer(id uint64) types.Offer {
	o := offer(id, p.rate)
	o.Denom = p.denom
	if o.MinCharge = p.minimum; p.only > 0 {
		o.Allowed = []string{tenant(p.only).String()}
	}
	if p.denied > 0 {
		o.Denied = []string{tenant(p.denied).String()}
	}
	if p.reserved > 0 {
		o.Reserved = &types.ReservedTerms{Rate: math.NewInt(p.reserved * 1_000_000), MinTerm: types.MinReservedTerm}
		o.ReservedOnly = p.rate == 0
	}
	return o
}

func newMarket(tb tester) *market {
	m := &market{world: newWorld(tb), leases: map[string]*history{}, faulty: map[uint64]time.Time{}, reasons: map[types.CloseReason]int{}}
	m.offers, m.params = map[uint64]price{}, types.DefaultParams()
	m.totals, m.numbers, m.marks = map[string]math.Int{}, map[string]uint64{}, map[string]mark{}
	m.params.StableDenoms = []string{modelStable}
	m.allow(modelStable)
	m.setPrice(2)
	for id := uint64(1); id <= modelContainers; id++ {
		p := price{rate: int64(1 + id*id), denom: athtypes.Denom, minimum: time.Minute, supply: true}
		if id < 4 {
			p.reserved = int64(id)
		}
		if id == modelContainers {
			p.denied = 2
		}
		m.addContainer(id, ownerOf(id))
		require.NoError(tb, m.k.SetOffers(m.ctx, provider(ownerOf(id)), []types.Offer{p.offer(id)}))
		m.offers[id] = p
	}
	for _, denom := range modelDenoms {
		for n := uint64(1); n <= modelTenants; n++ {
			m.fundIn(tenant(n), denom, modelFunds)
		}
		for n := uint64(1); n <= modelFriends; n++ {
			m.fundIn(friend(n), denom, modelFunds)
		}
	}
	m.leastForeign(100)
	m.params.MinForeignDeposit = 100
	m.addCollateral()
	for _, denom := range modelDenoms {
		m.totals[denom] = m.vault.totalIn(m.ctx, denom)
	}
	return m
}

// ownerOf is the number of a Container's provider.
func ownerOf(id uint64) uint64 { return 1 + id%2 }

// do runs one message as a transaction; a refusal is part of the game.
func (m *market) do(tx func(sdk.Context) error) bool { return m.try(tx) == nil }

func (m *market) create(t *rapid.T) {
	who := rapid.Uint64Range(1, modelTenants).Draw(t, "tenant")
	msg := order(tenant(who), rapid.Int64Range(0, 30_000).Draw(t, "deposit"), rapid.Uint64Range(1, modelContainers).Draw(t, "container"))
	msg.PriceDenom = rapid.SampledFrom([]string{"", "", types.MicroUSD, modelStable}).Draw(t, "priced in")
	if msg.PriceDenom == types.MicroUSD {
		msg.PayDenom = rapid.SampledFrom([]string{"", modelStable}).Draw(t, "paid in")
	}
	msg.Deposit.Denom = msg.PaysIn()
	if rapid.Bool().Draw(t, "by class") {
		msg.Requirement = &types.Requirement{Class: "cpu"}
	}
	if rapid.Bool().Draw(t, "agreed end") {
		msg.Duration = time.Duration(rapid.Int64Range(int64(time.Minute), int64(time.Hour)).Draw(t, "duration"))
	}
	if n := rapid.Uint32Range(0, 3).Draw(t, "gang"); n > 1 {
		msg.Count, msg.Requirement = n, &types.Requirement{Class: "cpu"}
	}
	msg.Completes = rapid.Bool().Draw(t, "completes")
	if rapid.IntRange(0, 3).Draw(t, "mode") == 0 {
		msg.Mode, msg.Completes = reserved, false
		msg.Duration = types.MinReservedTerm + time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "term"))
	}
	var opened []types.OpenedLease
	if !m.do(func(ctx sdk.Context) error {
		if !rapid.Bool().Draw(t, "in a batch") {
			res, err := m.msgs.CreateLease(ctx, msg)
			if err != nil {
				return err
			}
			opened = res.Gang
			if len(opened) == 0 {
				opened = []types.OpenedLease{{LeaseId: res.LeaseId, ContainerId: res.ContainerId, Rate: res.Rate}}
			}
			return nil
		}
		batch := &types.MsgCreateLeases{Tenant: msg.Tenant, Deposit: msg.Deposit, Partial: rapid.Bool().Draw(t, "partial")}
		for range rapid.IntRange(1, 3).Draw(t, "orders") {
			one := *msg
			one.Deposit = sdk.Coin{}
			batch.Orders = append(batch.Orders, one)
		}
		res, err := m.msgs.CreateLeases(ctx, batch)
		if err != nil {
			return err
		}
		for _, r := range res.Results {
			require.True(t, (r.Error == "") == (len(r.Leases) == int(max(1, msg.Count))), "an order is served as a whole or not at all: %v", r)
			opened = append(opened, r.Leases...)
		}
		return nil
	}) {
		return
	}
	for _, o := range opened {
		m.opened(t, who, o, msg.PaysIn())
	}
}

// opened notes a new lease and checks that the tenant may have it, at the price that stands.
func (m *market) opened(t *rapid.T, who uint64, opened types.OpenedLease, pays string) {
	id, err := types.ParseLeaseID(opened.LeaseId)
	require.NoError(t, err)
	require.Greater(t, id.Number, m.numbers[id.Tenant.String()], "no number is used twice, whatever pays")
	m.numbers[id.Tenant.String()] = id.Number
	lease, err := m.k.Lease(m.ctx, id)
	require.NoError(t, err)
	offer, ok := m.offers[lease.ContainerId]
	require.True(t, ok, "container %d has no offer", lease.ContainerId)
	require.Equal(t, pays, lease.Denom)
	h := &history{rate: offer.rate, denom: offer.offer(lease.ContainerId).AtPar(pays).Denom}
	if lease.Prepaid() {
		h.rate, h.term = offer.reserved, m.ctx.BlockTime().Add(types.MinReservedTerm)
	}
	require.Equal(t, math.NewInt(h.rate*1_000_000).String(), lease.Rate.String())
	require.Equal(t, h.denom, lease.PricedIn())
	require.True(t, (offer.only == 0 || offer.only == who) && offer.denied != who, "the offer of container %d is not for everybody", lease.ContainerId)
	open, unstarted := 0, 0
	for _, other := range m.open {
		if other.Tenant.Equals(tenant(who)) {
			open++
			if m.leases[other.String()].started.IsZero() {
				unstarted++
			}
		}
	}
	require.Less(t, open, int(m.params.MaxOpenLeases))
	require.Less(t, unstarted, int(m.params.MaxUnstarted))
	m.open = append(m.open, id)
	least := offer.rate * int64(offer.minimum/time.Second)
	if h.denom == types.MicroUSD {
		least *= m.uath
	}
	h.least = math.NewInt(least)
	m.leases[id.String()] = h
}

// refresh brings the price index up to date; whether somebody does changes nobody's money.
func (m *market) refresh(t *rapid.T) {
	ids := rapid.SliceOfNDistinct(rapid.Uint64Range(1, modelContainers+1), 1, 4, rapid.ID[uint64]).Draw(t, "containers")
	var listed []uint64
	require.True(t, m.do(func(ctx sdk.Context) error {
		res, err := m.msgs.RefreshOffers(ctx, &types.MsgRefreshOffers{Signer: tenant(1).String(), ContainerIds: ids})
		if err == nil {
			listed = res.Listed
		}
		return err
	}))
	for _, id := range listed { // it counts anew, at the price that ATH has now
		m.offers[id] = m.judged(m.offers[id])
	}
}

// judged is a price that is compared with the class's ceiling now.
func (m *market) judged(p price) price {
	if p.supply = p.rate > 0 && p.rate <= 1_000; p.denom != athtypes.Denom {
		p.supply = p.rate > 0 && p.rate*m.uath <= 1_000
	}
	return p
}

// setOffer changes a standing price; open leases keep theirs.
func (m *market) setOffer(t *rapid.T) {
	id := rapid.Uint64Range(1, modelContainers).Draw(t, "container")
	p := price{
		rate:    rapid.Int64Range(0, 2_000).Draw(t, "rate"), // the class's ceiling lies at 1,000 uath
		denom:   rapid.SampledFrom([]string{athtypes.Denom, types.MicroUSD, modelStable}).Draw(t, "priced in"),
		minimum: time.Duration(rapid.SampledFrom([]int{0, 30, 60, 90, 600, 3_601}).Draw(t, "minimum")) * time.Second,
		only:    rapid.Uint64Range(0, modelTenants).Draw(t, "only for"),
		denied:  rapid.SampledFrom([]uint64{0, 0, 1, modelTenants}).Draw(t, "not for"),
	}
	if p.denom != types.MicroUSD {
		p.reserved = rapid.Int64Range(0, 5).Draw(t, "reserved rate")
	}
	signer := rapid.SampledFrom([]sdk.AccAddress{provider(ownerOf(id)), operator(ownerOf(id)), tenant(1)}).Draw(t, "signer")
	p = m.judged(p)
	done := m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.SetOffers(ctx, &types.MsgSetOffers{Operator: signer.String(), Offers: []types.Offer{p.offer(id)}})
		return err
	})
	want := !signer.Equals(tenant(1)) && (p.rate > 0 || p.reserved > 0) && p.minimum >= m.params.MinCharge && p.minimum <= types.MaxMinCharge
	require.Equal(t, want, done)
	if done {
		m.offers[id] = p
	}
}

func (m *market) removeOffer(t *rapid.T) {
	id := rapid.Uint64Range(1, modelContainers).Draw(t, "container")
	signer := rapid.SampledFrom([]sdk.AccAddress{provider(ownerOf(id)), operator(ownerOf(id)), tenant(1)}).Draw(t, "signer")
	done := m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.RemoveOffers(ctx, &types.MsgRemoveOffers{Operator: signer.String(), ContainerIds: []uint64{id}})
		return err
	})
	_, there := m.offers[id]
	require.Equal(t, there && !signer.Equals(tenant(1)), done)
	if done {
		delete(m.offers, id)
	}
}

func (m *market) changeParams(t *rapid.T) {
	p := m.params
	seconds := func(name string, choice ...int) time.Duration {
		return time.Duration(rapid.SampledFrom(choice).Draw(t, name)) * time.Second
	}
	p.MinCharge, p.MinRunway = seconds("min charge", 0, 60, 120, 3_601), seconds("min runway", 0, 60, 300, 1_000)
	p.MaxOpenLeases, p.MaxUnstarted = rapid.Uint32Range(0, 8).Draw(t, "open"), rapid.Uint32Range(0, 8).Draw(t, "unstarted")
	p.MaxScan, p.MaxClosesPerBlock = rapid.Uint32Range(0, 4).Draw(t, "scan"), rapid.Uint32Range(0, 4).Draw(t, "closes")
	signer := rapid.SampledFrom([]sdk.AccAddress{m.authority, m.authority, m.authority, tenant(1)}).Draw(t, "signer")
	done := m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.UpdateParams(ctx, &types.MsgUpdateParams{Authority: signer.String(), Params: p})
		return err
	})
	require.Equal(t, signer.Equals(m.authority) && p.Validate() == nil, done)
	if done {
		m.params = p
	}
}

// offersStand compares standing prices, and what x/providers was told of them, with the model.
func (m *market) offersStand(t *rapid.T) {
	for id := uint64(1); id <= modelContainers; id++ {
		p, there := m.offers[id]
		o, err := m.k.Offer(m.ctx, id)
		require.Equal(t, there, err == nil)
		if there {
			require.Equal(t, math.NewInt(p.rate*1_000_000).String(), o.Rate.String())
			require.Equal(t, p.minimum, o.MinCharge)
		}
		status, err := m.providers.Status(m.ctx, id)
		require.NoError(t, err)
		require.Equal(t, there && !o.Delisted && p.only == 0 && p.denied == 0 && p.supply, status.Offered, "container %d is public supply", id)
	}
	params, err := m.k.params.Get(m.ctx)
	require.NoError(t, err)
	require.Equal(t, m.params, params)
}

// pick draws an open lease.
func (m *market) pick(t *rapid.T) (types.LeaseID, types.Lease, bool) {
	if len(m.open) == 0 {
		return types.LeaseID{}, types.Lease{}, false
	}
	id := rapid.SampledFrom(m.open).Draw(t, "lease")
	lease, err := m.k.Lease(m.ctx, id)
	require.NoError(t, err)
	return id, lease, true
}

func (m *market) startOne(t *rapid.T) {
	id, lease, ok := m.pick(t)
	if !ok || lease.State != types.LeaseState_LEASE_STATE_ACTIVE {
		return
	}
	now := m.ctx.BlockTime()
	from := now
	if !m.faults { // with outages the wait for the start would be told apart only roughly
		from = now.Add(-time.Duration(rapid.Int64Range(0, int64(now.Sub(lease.CreatedAt))).Draw(t, "ago")))
	}
	owner := sdk.MustAccAddressFromBech32(lease.Provider)
	if m.do(func(ctx sdk.Context) error {
		return m.k.SubmitUsage(ctx, owner, []types.UsageRecord{m.record(id, from, now)})
	}) {
		m.leases[id.String()].started = from
	}
}

func (m *market) settleOne(t *rapid.T) {
	if id, _, ok := m.pick(t); ok {
		require.True(t, m.do(func(ctx sdk.Context) error {
			_, err := m.k.Settle(ctx, id)
			return err
		}))
	}
}

func (m *market) closeOne(t *rapid.T) {
	id, lease, ok := m.pick(t)
	if !ok {
		return
	}
	signer := rapid.SampledFrom([]sdk.AccAddress{id.Tenant, sdk.MustAccAddressFromBech32(lease.Provider), tenant(9)}).Draw(t, "signer")
	m.do(func(ctx sdk.Context) error {
		_, err := m.k.CloseLease(ctx, signer, id, 0, nil)
		return err
	})
}

// reclaim gives notice; whoever may, of a lease that has started and was not given any.
func (m *market) reclaim(t *rapid.T) {
	id, lease, ok := m.pick(t)
	if !ok {
		return
	}
	owner := sdk.MustAccAddressFromBech32(lease.Provider)
	signer := rapid.SampledFrom([]sdk.AccAddress{owner, owner, tenant(9)}).Draw(t, "signer")
	before := m.queuedBreaches()
	h := m.leases[id.String()]
	over := lease.AgreedEnd() != nil && !lease.AgreedEnd().After(m.ctx.BlockTime())
	done := m.reclaimed(signer, id)
	require.Equal(t, signer.Equals(owner) && !h.started.IsZero() && !h.told && !over, done)
	require.True(t, m.queuedBreaches() == before || done && lease.Prepaid(), "only who promised a term owes for notice")
	h.told = h.told || done
}

func (m *market) reclaimed(signer sdk.AccAddress, id types.LeaseID) bool {
	return m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.ReclaimLease(ctx, &types.MsgReclaimLease{Operator: signer.String(), LeaseId: id.String()})
		return err
	})
}

func (m *market) toggleFault(t *rapid.T) {
	id := rapid.Uint64Range(1, modelContainers).Draw(t, "container")
	since, down := m.faulty[id]
	require.NoError(t, m.providers.setFault(m.ctx, id, !down))
	if !down {
		m.faulty[id] = m.ctx.BlockTime()
		require.NoError(t, m.k.Fault(m.ctx, id, m.ctx.BlockTime()))
		return
	}
	delete(m.faulty, id)
	m.addOutage(id, since)
	require.NoError(t, m.k.Recovered(m.ctx, id))
}

// addOutage notes an outage with the lease that ran in it.
func (m *market) addOutage(container uint64, since time.Time) {
	for _, id := range m.open {
		lease, err := m.k.Lease(m.ctx, id)
		require.NoError(m.tb, err)
		if h := m.leases[id.String()]; lease.ContainerId == container && !h.started.IsZero() {
			if h.started.After(since) {
				since = h.started
			}
			h.outage += m.ctx.BlockTime().Sub(since)
		}
	}
}

func (m *market) moveMoney(t *rapid.T) {
	who := tenant(rapid.Uint64Range(1, modelTenants).Draw(t, "tenant"))
	amount := sdk.NewInt64Coin(drawDenom(t), rapid.Int64Range(0, 20_000).Draw(t, "amount"))
	if rapid.Bool().Draw(t, "withdraw") {
		m.do(func(ctx sdk.Context) error {
			_, err := m.msgs.WithdrawDeposit(ctx, &types.MsgWithdrawDeposit{Tenant: who.String(), Amount: amount})
			return err
		})
		return
	}
	m.do(func(ctx sdk.Context) error {
		_, err := m.msgs.Deposit(ctx, &types.MsgDeposit{Depositor: who.String(), Amount: amount})
		return err
	})
}

func (m *market) wait(t *rapid.T) {
	m.pass(time.Duration(rapid.OneOf(
		rapid.Int64Range(1, int64(3*time.Second)), rapid.Int64Range(1, int64(20*time.Minute)),
	).Draw(t, "wait")))
	m.exports()
}

// settleAccounts compares the receipts of leases that closed with the history.
func (m *market) settleAccounts(t *rapid.T) {
	var open []types.LeaseID
	for _, id := range m.open {
		if _, err := m.k.Lease(m.ctx, id); err == nil {
			open = append(open, id)
			continue
		}
		m.audit(t, id)
	}
	m.open = open
}

// setPrice is what a musd costs from now on, in uath.
func (m *market) setPrice(uath int64) {
	m.uath = uath
	m.vault.setPrice(m.ctx.BlockTime(), uath)
}

func (m *market) changePrice(t *rapid.T) { m.setPrice(rapid.Int64Range(1, 9).Draw(t, "uath per musd")) }

// cost is what a lease costs that has run from its start to a time without outages of so long.
func (m *market) cost(h *history, until time.Time, outage time.Duration) math.Int {
	if h.denom == types.MicroUSD {
		return math.NewInt(h.rate).Mul(m.vault.usdAt(until).Sub(m.vault.usdAt(h.started))).Quo(math.NewIntWithDecimal(1, 21))
	}
	return math.NewInt(h.rate).MulRaw(int64(until.Sub(h.started) - outage)).QuoRaw(int64(time.Second))
}

// rest is what a tenant pays who leaves a reserved lease at a time, in whole uath.
func (h *history) rest(at time.Time) math.Int {
	return math.NewInt(h.rate).MulRaw(int64(max(0, h.term.Sub(at)))).AddRaw(int64(time.Second) - 1).QuoRaw(int64(time.Second))
}

// auditReserved compares the receipt of a reserved lease: what was served is paid, and of the shortest term the rest where the tenant left.
func (m *market) auditReserved(t *rapid.T, h *history, receipt types.Receipt) {
	exact := math.ZeroInt()
	if receipt.StartedAt != nil {
		exact = math.NewInt(h.rate).MulRaw(int64(receipt.EndedAt.Sub(h.started) - receipt.Outage)).QuoRaw(int64(time.Second))
	}
	rest := math.ZeroInt()
	if receipt.Reason == types.CloseReason_CLOSE_REASON_TENANT && !h.told {
		rest = h.rest(receipt.EndedAt)
	}
	require.NotEqual(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, receipt.Reason, "it was paid in advance")
	require.Equal(t, exact.Add(receipt.Minimum).String(), receipt.Billed.String())
	if m.faults { // a session that is free anyway is not paid for by leaving in it
		require.True(t, receipt.Minimum.LTE(rest))
		return
	}
	require.Equal(t, rest.String(), receipt.Minimum.String())
}

func (m *market) audit(t *rapid.T, id types.LeaseID) {
	receipt, err := m.k.Receipt(m.ctx, id)
	require.NoError(t, err)
	m.reasons[receipt.Reason]++
	h := m.leases[id.String()]
	if !h.term.IsZero() {
		m.auditReserved(t, h, receipt)
		return
	}
	if h.started.IsZero() {
		want := math.ZeroInt() // a lease that never started costs nothing, unless its tenant walked away or took the money away
		taken := receipt.Reason == types.CloseReason_CLOSE_REASON_EXHAUSTED && receipt.EndedAt.Sub(receipt.CreatedAt) < m.params.MinRunway/2
		if receipt.Reason == types.CloseReason_CLOSE_REASON_TENANT || taken {
			want = h.least
		}
		require.Equal(t, want.String(), receipt.Billed.String())
		return
	}
	require.Equal(t, h.started, *receipt.StartedAt)
	served := receipt.EndedAt.Sub(h.started) - receipt.Outage
	require.GreaterOrEqual(t, served, time.Duration(0))
	want := m.cost(h, receipt.EndedAt, receipt.Outage)
	switch receipt.Reason {
	case types.CloseReason_CLOSE_REASON_PROVIDER, types.CloseReason_CLOSE_REASON_FAULT:
	default:
		if !h.told { // whom its provider puts out owes nothing for having come
			want = math.MaxInt(want, h.least)
		}
	}
	if h.denom == types.MicroUSD && receipt.Outage > 0 { // what an outage would have cost depends on when it was: types/sla_test.go
		require.True(t, receipt.Billed.LTE(want), "%s for %s", receipt.Billed, want)
	} else {
		require.Equal(t, want.String(), receipt.Billed.String())
	}
	if since, down := m.faulty[receipt.ContainerId]; down {
		if h.started.After(since) {
			since = h.started
		}
		h.outage += max(0, receipt.EndedAt.Sub(since))
	}
	// Nothing beyond the outage: all of it was told before the end, unless the end lies before the block that found it.
	require.GreaterOrEqual(t, receipt.Outage, min(h.outage, receipt.EndedAt.Sub(h.started))-m.lag(receipt), "outages are not billed")
}

// lag is how far a receipt's end lies before the block that wrote it: outages in between may have been counted to either side.
func (m *market) lag(receipt types.Receipt) time.Duration {
	return m.ctx.BlockTime().Sub(receipt.EndedAt)
}

// monotone: what was billed, credited, settled or recorded stays so, numbers are given out upwards, and receipts stay logged.
func (m *market) monotone(t *rapid.T) {
	grows := func(key string, now mark) {
		before, known := m.marks[key]
		if m.marks[key] = now; !known {
			return
		}
		require.True(t, now.billed.GTE(before.billed), "%s: billed %s after %s", key, now.billed, before.billed)
		require.True(t, now.credited.GTE(before.credited), "%s: credited %s after %s", key, now.credited, before.credited)
		require.False(t, now.settled.Before(before.settled), "%s: settled until %s after %s", key, now.settled, before.settled)
		require.GreaterOrEqual(t, now.records, before.records, "%s: usage records", key)
		require.GreaterOrEqual(t, now.next, before.next, "%s: next number", key)
	}
	state, err := m.k.ExportGenesis(m.ctx)
	require.NoError(t, err)
	for _, l := range state.Leases {
		grows(l.ID(), mark{billed: l.Billed, credited: l.Credited, settled: l.SettledUntil, records: l.UsageSequence})
	}
	for _, r := range state.Receipts {
		grows(r.ID(), mark{billed: r.Billed, credited: r.Credited, settled: r.BilledUntil, records: r.UsageSequence})
	}
	for _, a := range state.Accounts {
		grows(a.Tenant+" "+a.Denom, mark{billed: math.ZeroInt(), credited: math.ZeroInt(), settled: a.TouchedAt, next: a.NextNumber})
	}
	require.GreaterOrEqual(t, state.ReceiptLog.Count, m.logged, "receipts in the log")
	m.logged = state.ReceiptLog.Count
}

func (m *market) invariants(t *rapid.T) {
	m.settleAccounts(t)
	m.monotone(t)
	m.offersStand(t)
	require.NoError(t, m.k.CheckInvariants(m.ctx))
	for _, denom := range modelDenoms {
		require.Equal(t, m.totals[denom].String(), m.vault.totalIn(m.ctx, denom).String(), "deposits = withdrawn + paid + balance, in %s", denom)
		m.everybodyKeepsToHisOwn(t, denom)
	}
}

func runMarket(t *testing.T, faults bool) map[types.CloseReason]int {
	reasons := map[types.CloseReason]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := newMarket(t)
		m.faults = faults
		actions := map[string]func(*rapid.T){
			"create": m.create, "refresh": m.refresh, "start": m.startOne, "settle": m.settleOne, "close": m.closeOne, "money": m.moveMoney,
			"wait": m.wait, "price": m.changePrice, "": m.invariants, "set offer": m.setOffer, "reclaim": m.reclaim, "remove offer": m.removeOffer, "parameters": m.changeParams,
		}
		m.addDepositActions(actions)
		if faults {
			actions["fault"], actions["vest"], actions["ticket"] = m.toggleFault, m.vest, m.endTicket
		}
		t.Repeat(actions)
		m.pass(100 * time.Hour)
		for range 10 * len(m.open) { // a block settles and closes as many as the parameter says, at least one
			m.pass(time.Second)
		}
		m.invariants(t)
		for _, id := range m.open {
			lease, err := m.k.Lease(m.ctx, id)
			require.NoError(t, err)
			_, down := m.faulty[lease.ContainerId]
			require.True(t, down, "the money of 100 hours is spent, unless the Container was down")
		}
		for reason, n := range m.reasons {
			reasons[reason] += n
		}
	})
	return reasons
}

// TestModel: solvency, conservation, exact billing and all invariants after every message.
func TestModel(t *testing.T) { runMarket(t, false) }

// TestModelWithOutages adds Containers that fail and come back.
func TestModelWithOutages(t *testing.T) { runMarket(t, true) }

// script is a deterministic list of steps for TestSettlementOrderDoesNotMatter.
type step struct {
	create, start, close, reclaim, reserved bool

	tenant, container uint64
	nth               int
	uath              int64 // that a musd costs from a while later
	deposit           int64
	duration, wait    time.Duration
}

func drawScript(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := step{
			tenant: rapid.Uint64Range(1, 2).Draw(t, "tenant"), container: rapid.Uint64Range(1, modelContainers).Draw(t, "container"),
			nth: rapid.IntRange(0, 5).Draw(t, "nth"), deposit: rapid.Int64Range(0, 60_000).Draw(t, "deposit"),
			uath: rapid.Int64Range(1, 9).Draw(t, "uath per musd"),
			wait: time.Duration(rapid.Int64Range(1, int64(30*time.Minute)).Draw(t, "wait")),
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0, 1:
			s.create = true
		case 2:
			s.start = true
		case 3:
			s.close = true
		case 4:
			s.reclaim = true
		}
		if rapid.IntRange(0, 3).Draw(t, "reserved") == 0 {
			s.reserved, s.duration = true, types.MinReservedTerm+s.wait
		} else if rapid.Bool().Draw(t, "agreed") {
			s.duration = time.Duration(rapid.Int64Range(int64(time.Minute), int64(time.Hour)).Draw(t, "duration"))
		}
		return s
	}), 1, 20).Draw(t, "script")
}

// play runs a script; eager settles every open lease at every step and waits in small blocks. It returns all receipts.
func play(t *rapid.T, script []step, eager bool) map[string]string {
	m := newMarket(t)
	for id := uint64(1); id <= modelContainers; id += 2 {
		require.NoError(t, m.k.SetOffers(m.ctx, provider(ownerOf(id)), []types.Offer{usdOffer(id, int64(1+id*id))}))
	}
	at := start
	for _, s := range script {
		at = at.Add(s.wait + s.duration/2)
		m.vault.setPrice(at, s.uath)
	}
	receipts, price := map[string]string{}, halving{}
	pass := func(d time.Duration) {
		if eager {
			for range 7 {
				m.pass(d / 10)
				for _, id := range m.open {
					if _, err := m.k.Settle(m.ctx, id); err != nil {
						t.Fatal(err)
					}
				}
			}
			d -= d / 10 * 7
		}
		m.pass(d)
		price.looked(m.world, func(ctx sdk.Context) (accounts []*purse, err error) {
			for n := uint64(1); n <= 2; n++ {
				p, err := m.k.openPurse(ctx, tenant(n), athtypes.Denom)
				if err != nil {
					return nil, err
				}
				accounts = append(accounts, p)
			}
			return accounts, nil
		})
		var open []types.LeaseID
		for _, id := range m.open {
			receipt, err := m.k.Receipt(m.ctx, id)
			if err != nil {
				open = append(open, id)
				continue
			}
			bz, err := json.Marshal([]string{receipt.Billed.String(), receipt.Refunded.String(), receipt.EndedAt.String(), receipt.Reason.String()})
			require.NoError(t, err)
			receipts[id.String()] = string(bz)
		}
		m.open = open
	}
	for _, s := range script {
		switch {
		case s.create:
			msg := order(tenant(s.tenant), s.deposit, s.container)
			msg.Duration = s.duration
			switch {
			case s.reserved:
				msg.Mode = reserved
			case s.container%2 == 1:
				msg.PriceDenom = types.MicroUSD
			}
			var id types.LeaseID
			if m.do(func(ctx sdk.Context) error {
				res, err := m.msgs.CreateLease(ctx, msg)
				if err == nil {
					id, err = types.ParseLeaseID(res.LeaseId)
				}
				return err
			}) {
				m.open = append(m.open, id)
			}
		case len(m.open) == 0:
		case s.start:
			id := m.open[s.nth%len(m.open)]
			if lease, err := m.k.Lease(m.ctx, id); err == nil && lease.State == types.LeaseState_LEASE_STATE_ACTIVE {
				m.world.start(id)
			}
		case s.reclaim:
			id := m.open[s.nth%len(m.open)]
			if lease, err := m.k.Lease(m.ctx, id); err == nil {
				m.reclaimed(sdk.MustAccAddressFromBech32(lease.Provider), id)
			}
		case s.close:
			id := m.open[s.nth%len(m.open)]
			m.do(func(ctx sdk.Context) error {
				_, err := m.k.CloseLease(ctx, id.Tenant, id, 0, nil)
				return err
			})
		}
		pass(s.wait)
	}
	pass(1000 * time.Hour)
	require.Empty(t, m.open)
	require.NoError(t, m.k.CheckInvariants(m.ctx))
	return receipts
}

// TestSettlementOrderDoesNotMatter: a market in which everything is settled all the time in many blocks, and one that is
// left alone, write the same receipts.
func TestSettlementOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		script := drawScript(t)
		require.Equal(t, play(t, script, false), play(t, script, true))
	})
}
