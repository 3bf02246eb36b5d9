// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// bazaar is a market on the real keepers of all modules: two providers with two Containers each, which fail and come back, two tenants of whom
// one is the other's sub-account, and two friends who pay for them. Everybody tries whatever message moves money or leases.
type bazaar struct {
	*trader
	tenants  []gen.Account
	friends  []gen.Account
	offers   map[uint64]leasestypes.Offer
	books    []*book
	channels []*tab
	key      ed25519.PrivateKey // of all vouchers
	purses   map[string]math.Int
	all      math.Int // of the denom, that tenants and friends had
	paid     math.Int // by providers for tickets, out of their own pockets
	// disturbed says that a fault or a broken promise has given something back.
	disturbed bool
	days      int
}

// tab is what somebody notes of a channel.
type tab struct {
	tenant          gen.Account
	number          uint64
	container       uint64
	limit, redeemed int64
	ends            time.Time
	closing, over   bool
}

// marketChain starts the chain from which bazaars branch off.
func marketChain(t *testing.T) *shadow.Chain {
	t.Helper()
	var people []gen.Account
	for _, name := range []string{"owner", "second", "tenant", "sub", "friend", "other"} {
		people = append(people, gen.NewAccount(name))
	}
	c := shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(1_000_000), people, func(enc app.Encoding, genesis app.GenesisState) {
		var state athtypes.GenesisState
		enc.Codec.MustUnmarshalJSON(genesis[athtypes.ModuleName], &state)
		state.Params.EpochDuration, state.Params.VerdictHorizonEpochs = day, 30
		genesis[athtypes.ModuleName] = enc.Codec.MustMarshalJSON(&state)
		keepReceipts(enc, genesis)
	})
	for i, owner := range people[:2] {
		register := &providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(1_000)}
		for n := range 2 {
			register.Containers = append(register.Containers, court1(owner.String(), 2*i+n))
		}
		res := c.Block(time.Second,
			c.Sign(owner, &providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"}), c.Sign(owner, register))
		for _, r := range res.TxResults {
			require.Zero(t, r.Code, r.Log)
		}
	}
	return c
}

func newBazaar(t *rapid.T, c *shadow.Chain, denom string) *bazaar {
	w := branch(t, c)
	w.live = []uint64{1, 2, 3, 4}
	w.fleets = []fleet{{w.owner, w.live[:2]}, {gen.NewAccount("second"), w.live[2:]}}
	w.market()
	m := &bazaar{
		trader:  &trader{world: w, denom: denom, round: 3, down: map[uint64]time.Time{}, outages: map[uint64][][2]time.Time{}},
		tenants: []gen.Account{w.tenant, gen.NewAccount("sub")}, friends: []gen.Account{gen.NewAccount("friend"), gen.NewAccount("other")},
		offers: map[uint64]leasestypes.Offer{}, key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), purses: map[string]math.Int{},
		all: math.ZeroInt(), paid: math.ZeroInt(),
	}
	if denom != athtypes.Denom {
		m.admit()
	}
	for _, who := range m.people() {
		m.purses[who.Name] = m.wallet(who)
		m.all = m.all.Add(m.wallet(who))
	}
	for _, id := range m.live {
		m.price(t, id)
	}
	return m
}

// admit lets governance allow a stable denom, and gives everybody some.
func (m *bazaar) admit() {
	params := leasestypes.DefaultParams()
	params.StableDenoms, params.ReceiptHorizon = []string{m.denom}, leasestypes.MaxReceiptHorizon
	require.NoError(m.t, m.send(&leasestypes.MsgUpdateParams{Authority: gov(), Params: params}))
	plenty := sdk.NewCoins(sdk.NewInt64Coin(m.denom, 1_000_000_000_000))
	for _, who := range m.people() {
		require.NoError(m.t, m.Bank.MintCoins(m.ctx, athtypes.ModuleName, plenty))
		require.NoError(m.t, m.Bank.SendCoinsFromModuleToAccount(m.ctx, athtypes.ModuleName, who.Address(), plenty))
	}
}

func (m *bazaar) people() []gen.Account { return append(m.tenants[:2:2], m.friends...) }

func (m *bazaar) ownerOf(container uint64) gen.Account { return m.fleets[(container-1)/2].owner }

func (m *bazaar) wallet(who gen.Account) math.Int {
	return m.Bank.GetBalance(m.ctx, who.Address(), m.denom).Amount
}

func (m *bazaar) prepaid(who gen.Account) math.Int {
	return m.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: who.String(), Denom: m.denom})
}

// call sends a message and returns its answer; false where it was refused.
func call[T any, P interface {
	*T
	Unmarshal([]byte) error
}](w *world, msg sdk.Msg) (P, bool) {
	cached, write := w.ctx.CacheContext()
	res, err := w.MsgServiceRouter().Handler(msg)(cached, msg)
	if err != nil {
		return nil, false
	}
	write()
	answer := P(new(T))
	require.NoError(w.t, answer.Unmarshal(res.Data))
	return answer, true
}

// price lets a provider offer a Container.
func (m *bazaar) price(t *rapid.T, id uint64) {
	rate := math.NewInt(rapid.Int64Range(1, 1_000).Draw(t, "rate") * 1_000_000)
	offer := leasestypes.Offer{
		ContainerId: id, Denom: m.denom, Rate: rate, StorageRate: rate.QuoRaw(10), StandbyRate: rate.QuoRaw(5),
		MinCharge: time.Duration(rapid.IntRange(60, 120).Draw(t, "minimum")) * time.Second,
		Reserved:  &leasestypes.ReservedTerms{Rate: rate.QuoRaw(2), MinTerm: leasestypes.MinReservedTerm},
	}
	require.NoError(m.t, m.send(&leasestypes.MsgSetOffers{Operator: m.ownerOf(id).String(), Offers: []leasestypes.Offer{offer}}))
	m.offers[id] = offer
}

// open draws a book of a lease that goes on; any where there is none.
func (m *bazaar) open(t *rapid.T) *book {
	var open []*book
	for _, b := range m.books {
		if !b.over {
			open = append(open, b)
		}
	}
	if len(open) == 0 {
		open = append(m.books, &book{id: m.tenant.String() + "/99", tenant: m.tenant.String(), over: true})
	}
	return rapid.SampledFrom(open).Draw(t, "lease")
}

// lease draws an order of a Container, a gang, a lease with standbys, or a reserved term, alone or in a batch, and opens the books of what it leases.
func (m *bazaar) lease(t *rapid.T) {
	who := rapid.SampledFrom(m.tenants).Draw(t, "tenant")
	manifest := sha256.Sum256([]byte("manifest"))
	msg := &leasestypes.MsgCreateLease{
		Tenant: who.String(), Candidates: rapid.SliceOfNDistinct(rapid.SampledFrom(m.live), 1, 3, rapid.ID[uint64]).Draw(t, "candidates"),
		MaxRate: leasestypes.MaxRate, PriceDenom: m.denom, ManifestHash: manifest[:], Deposit: m.coins(t, "with"),
		Duration: time.Duration(rapid.SampledFrom([]int{0, 0, 30, 300}).Draw(t, "minutes")) * time.Minute,
		Priority: rapid.Uint32Range(0, 2).Draw(t, "priority"), Failover: leasestypes.FailoverPolicy_FAILOVER_POLICY_ASK,
	}
	if rapid.Bool().Draw(t, "automatic") {
		msg.Failover = leasestypes.FailoverPolicy_FAILOVER_POLICY_AUTOMATIC
	}
	if rapid.Bool().Draw(t, "by class") {
		msg.Requirement = &leasestypes.Requirement{Class: "cpu"}
	}
	switch rapid.SampledFrom([]string{"", "", "gang", "standbys", "standbys", "reserved"}).Draw(t, "kind") {
	case "gang":
		msg.Count = rapid.Uint32Range(2, 3).Draw(t, "count")
	case "standbys":
		msg.Standbys = rapid.Uint32Range(1, 2).Draw(t, "standbys")
	case "reserved":
		msg.Mode, msg.Duration = leasestypes.LeaseMode_LEASE_MODE_RESERVED, time.Duration(rapid.IntRange(60, 180).Draw(t, "term"))*time.Minute
		msg.Standbys = rapid.Uint32Range(0, 1).Draw(t, "standbys")
	}
	if msg.Mode != leasestypes.LeaseMode_LEASE_MODE_RESERVED {
		msg.Grace = time.Duration(rapid.IntRange(0, 10).Draw(t, "grace")) * time.Minute
	}
	var opened, standbys []leasestypes.OpenedLease
	if rapid.IntRange(0, 3).Draw(t, "alone") > 0 {
		res, ok := call[leasestypes.MsgCreateLeaseResponse](m.world, msg)
		if !ok {
			return
		}
		if opened, standbys = res.Gang, res.Standbys; len(opened) == 0 {
			opened = []leasestypes.OpenedLease{{LeaseId: res.LeaseId, ContainerId: res.ContainerId}}
		}
	} else {
		msg.Standbys = 0
		order := *msg
		order.Tenant, order.Deposit = "", sdk.Coin{}
		res, ok := call[leasestypes.MsgCreateLeasesResponse](m.world, &leasestypes.MsgCreateLeases{
			Tenant: msg.Tenant, Deposit: msg.Deposit, Partial: true, Orders: []leasestypes.MsgCreateLease{order, order},
		})
		if !ok {
			return
		}
		for _, r := range res.Results {
			opened = append(opened, r.Leases...)
		}
	}
	for _, o := range opened {
		m.note(msg, o)
	}
	for _, o := range standbys {
		b := m.note(msg, o)
		offer, now := m.offers[o.ContainerId], m.ctx.BlockTime()
		b.standbyOf, b.reserved, b.running = opened[0].LeaseId, false, &now
		b.full, b.storage = offer.Rate.Int64(), offer.StorageRate.Int64()
		b.here().rate = offer.StandbyRate.Int64()
		b.here().minimum = charge(b.here().rate, offer.MinCharge)
	}
	for _, b := range m.books {
		if !b.over && b.standbyOf == "" && b.running == nil && b.created.Equal(m.ctx.BlockTime()) && rapid.IntRange(0, 3).Draw(t, "starts at once") > 0 {
			m.begin(t, b)
		}
	}
}

// charge is what a rate comes to in a time, rounded up.
func charge(rate int64, d time.Duration) int64 {
	return costs(rate, d).AddRaw(parts - 1).QuoRaw(parts).Int64()
}

// note opens the book of a lease.
func (m *bazaar) note(msg *leasestypes.MsgCreateLease, opened leasestypes.OpenedLease) *book {
	offer, now := m.offers[opened.ContainerId], m.ctx.BlockTime()
	s := &stay{container: opened.ContainerId, rate: offer.Rate.Int64(), storage: math.ZeroInt()}
	s.minimum = charge(s.rate, offer.MinCharge)
	b := &book{
		id: opened.LeaseId, tenant: msg.Tenant, stays: []*stay{s}, storage: offer.StorageRate.Int64(), created: now, bound: now,
		billed: math.ZeroInt(), credited: math.ZeroInt(), settled: now,
	}
	if msg.Mode == leasestypes.LeaseMode_LEASE_MODE_RESERVED {
		b.reserved, b.term, b.storage = true, now.Add(offer.Reserved.MinTerm), 0
		s.rate = offer.Reserved.Rate.Int64()
		s.minimum = charge(s.rate, offer.Reserved.MinTerm)
	}
	if msg.Duration > 0 {
		b.ends = now.Add(msg.Duration)
	}
	m.books = append(m.books, b)
	return b
}

// begin is the first usage record of a lease in its Container, or after a pause, of a time that may be over.
func (m *bazaar) begin(t *rapid.T, b *book) {
	if b.over || b.running != nil || b.paused != nil {
		return
	}
	id, err := leasestypes.ParseLeaseID(b.id)
	require.NoError(m.t, err)
	lease, err := m.Leases.Lease(m.ctx, id)
	require.NoError(m.t, err)
	now, image, owner := m.ctx.BlockTime(), sha256.Sum256([]byte("image")), m.ownerOf(b.here().container).String()
	from := now.Add(-time.Duration(rapid.Int64Range(0, int64(now.Sub(b.bound))).Draw(t, "ago")))
	record := leasestypes.UsageRecord{
		LeaseId: b.id, Sequence: lease.UsageSequence + 1, PrevHash: lease.UsageHash, From: from, Until: now, ImageDigest: image[:],
		BlockHeight: m.height - 1, BlockHash: image[:],
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(owner), record.SignBytes(shadow.ChainID))
	if m.send(&leasestypes.MsgSubmitUsage{Operator: owner, Records: []leasestypes.UsageRecord{record}}) == nil {
		require.NotContains(m.t, m.down, b.here().container, "billing does not begin while a fault stands")
		b.running = &from
	}
}

// act does one of the things that somebody can do.
func (m *bazaar) act(t *rapid.T) {
	what := []string{
		"lease", "lease", "lease", "start", "settle", "close", "close", "update", "notice", "failover", "failover", "resume", "resume", "price",
		"deposit", "deposit", "withdraw", "reclaim", "fault", "fault", "ticket", "drain", "wait", "wait", "wait", "wait", "day",
	}
	if m.denom == athtypes.Denom { // what is in no other denom
		what = append(what, "grant", "draw", "revoke", "sub-account", "channel", "voucher", "voucher", "channel ends")
	}
	switch rapid.SampledFrom(what).Draw(t, "what") {
	case "lease":
		m.lease(t)
	case "start":
		m.begin(t, m.open(t))
	case "price":
		m.price(t, rapid.SampledFrom(m.live).Draw(t, "container"))
	case "settle":
		_ = m.send(&leasestypes.MsgSettle{Signer: m.owner.String(), LeaseIds: []string{m.open(t).id}})
	case "close":
		m.close(t, m.open(t))
	case "update":
		m.update(t, m.open(t))
	case "notice":
		m.tell(m.open(t))
	case "failover":
		m.move(t, m.open(t))
	case "resume":
		m.resume(t, m.open(t))
	case "deposit", "withdraw", "reclaim", "grant", "draw", "revoke", "sub-account":
		m.money(t)
	case "channel", "voucher", "channel ends":
		m.meter(t)
	case "ticket":
		m.payTicket(t)
	case "fault":
		m.disturbed = true
		m.judge(rapid.SampledFrom(m.live).Draw(t, "container"))
	case "drain":
		m.drain()
	case "wait":
		m.wait(time.Duration(rapid.Int64Range(1, int64(15*time.Minute)).Draw(t, "time")))
	case "day":
		if m.days++; m.days <= 3 { // before tickets run out, and fees are distributed
			m.wait(day + time.Hour)
		}
	}
}

// check compares money and time with what was done.
func (m *bazaar) check() {
	m.fold()
	require.NoError(m.t, m.CheckInvariants(m.ctx))
	billed, most := math.ZeroInt(), math.ZeroInt()
	for _, b := range m.books {
		m.observe(b)
		billed = billed.Add(b.billed)
		for _, s := range b.stays {
			most = most.Add(m.most(b, s, false))
		}
	}
	redeemed := m.tabs()
	income := m.income()
	all := income
	for _, who := range m.people() {
		all = all.Add(m.has(who))
	}
	require.Equal(m.t, m.all.Add(m.paid).String(), all.String(), "what was there is there, or was earned: %s", income)
	require.True(m.t, income.LTE(billed.Add(redeemed)), "earned %s, and billed %s and %s", income, billed, redeemed)
	if !m.disturbed {
		require.Equal(m.t, billed.Add(redeemed).String(), income.String(), "what was billed was paid")
	}
	earned := income.Sub(m.owed()).Sub(redeemed)
	require.True(m.t, earned.MulRaw(parts).LTE(most), "earned %s, and no more than %s parts could be", earned, most)
	m.everybody(income)
}

// TestNobodyWithdrawsOrEarnsTooMuch: no sequence of messages lets anybody take out more than was deposited less what was earned, nor a provider
// earn for a time in which its Container was faulty, or more than its leases ran, on the real keepers of all modules; in uath, and in a stable denom.
func TestNobodyWithdrawsOrEarnsTooMuch(t *testing.T) {
	for _, denom := range []string{athtypes.Denom, "uusdc"} {
		t.Run(denom, func(t *testing.T) {
			c := marketChain(t)
			rapid.Check(t, func(rt *rapid.T) {
				m := newBazaar(rt, c, denom)
				for range rapid.IntRange(5, 50).Draw(rt, "messages") {
					m.act(rt)
					m.check()
				}
				m.drain()
			})
		})
	}
}
