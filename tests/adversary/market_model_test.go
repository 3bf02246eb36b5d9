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
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"

	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// trader is a tenant that tries whatever messages there are, on the real keepers of all modules, while its Containers fail and come back.
type trader struct {
	*world
	denom     string // of prices and payments
	round     uint64
	leases    []string
	deposited math.Int
	withdrawn math.Int
	down      map[uint64]time.Time      // Containers that are faulty, since when
	outages   map[uint64][][2]time.Time // faults that are over
	bound     map[string]uint64         // the Container of each lease; none of them moves
	rates     map[string]int64          // smallest units per second
	minima    map[string]int64          // smallest units
}

// act does one of the things that a tenant, a worker or the Checkers can do.
func (m *trader) act(t *rapid.T) {
	tenant, owner := m.tenant.String(), m.owner.String()
	coins := func(label string, most int64) sdk.Coin {
		return sdk.NewCoin(m.denom, math.NewInt(rapid.Int64Range(0, most).Draw(t, label)))
	}
	one := func() string { return rapid.SampledFrom(append(m.leases, tenant+"/99")).Draw(t, "lease") }
	switch rapid.SampledFrom([]string{"deposit", "withdraw", "create", "start", "settle", "close", "provider closes", "price", "fault", "heal", "wait", "wait"}).Draw(t, "what") {
	case "deposit":
		amount := coins("deposit", 20_000_000)
		if m.send(&leasestypes.MsgDeposit{Depositor: tenant, Tenant: tenant, Amount: amount}) == nil {
			m.deposited = m.deposited.Add(amount.Amount)
		}
	case "withdraw":
		before := m.Bank.GetBalance(m.ctx, m.tenant.Address(), m.denom).Amount
		if m.send(&leasestypes.MsgWithdrawDeposit{Tenant: tenant, Amount: coins("withdraw", 5_000_000)}) == nil {
			m.fold() // what is paid virtually arrives with the block's end
			m.withdrawn = m.withdrawn.Add(m.Bank.GetBalance(m.ctx, m.tenant.Address(), m.denom).Amount.Sub(before))
		}
	case "create":
		id := rapid.Uint64Range(1, 2).Draw(t, "container")
		offer, err := m.Leases.Offer(m.ctx, id)
		require.NoError(m.t, err)
		manifest := sha256.Sum256([]byte("manifest"))
		msg := &leasestypes.MsgCreateLease{
			Tenant: tenant, Candidates: []uint64{id}, MaxRate: offer.Rate, PriceDenom: m.denom, ManifestHash: manifest[:], Deposit: coins("with", 10_000_000),
			Duration: time.Duration(rapid.SampledFrom([]int{0, 0, 30, 300}).Draw(t, "duration")) * time.Minute, Grace: time.Duration(rapid.IntRange(0, 10).Draw(t, "grace")) * time.Minute,
		}
		res, err := m.MsgServiceRouter().Handler(msg)(m.cached(), msg)
		if err != nil {
			return
		}
		var opened leasestypes.MsgCreateLeaseResponse
		require.NoError(m.t, opened.Unmarshal(res.Data))
		require.NoError(m.t, m.send(msg))
		m.deposited = m.deposited.Add(msg.Deposit.Amount)
		m.leases = append(m.leases, opened.LeaseId)
		m.bound[opened.LeaseId] = id
		m.rates[opened.LeaseId] = offer.Rate.Int64() / 1_000_000
		m.minima[opened.LeaseId] = m.rates[opened.LeaseId] * int64(offer.MinCharge/time.Second)
		if rapid.IntRange(0, 3).Draw(t, "starts at once") > 0 {
			m.start(opened.LeaseId)
		}
	case "start":
		m.start(one())
	case "settle":
		_ = m.send(&leasestypes.MsgSettle{Signer: owner, LeaseIds: []string{one()}})
	case "close":
		_ = m.send(&leasestypes.MsgCloseLease{Signer: tenant, LeaseId: one()})
	case "provider closes":
		_ = m.send(&leasestypes.MsgCloseLease{Signer: owner, LeaseId: one()})
	case "price":
		id := rapid.Uint64Range(1, 2).Draw(t, "container")
		require.NoError(m.t, m.send(&leasestypes.MsgSetOffers{Operator: owner, Offers: []leasestypes.Offer{m.offer(t, id)}}))
	case "fault", "heal":
		m.judge(rapid.Uint64Range(1, 2).Draw(t, "container"))
	case "wait":
		m.wait(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second)
	}
}

func (m *trader) offer(t *rapid.T, id uint64) leasestypes.Offer {
	rate := math.NewInt(rapid.Int64Range(1, 1_000).Draw(t, "rate") * 1_000_000)
	return leasestypes.Offer{
		ContainerId: id, Denom: m.denom, Rate: rate, StorageRate: rate.QuoRaw(10), MinCharge: time.Duration(rapid.IntRange(60, 120).Draw(t, "minimum")) * time.Second,
	}
}

// admit lets governance allow a stable denom, and gives the tenant some.
func (m *trader) admit(denom string) {
	params := leasestypes.DefaultParams()
	params.StableDenoms = []string{denom}
	require.NoError(m.t, m.send(&leasestypes.MsgUpdateParams{Authority: authtypes.NewModuleAddress(govtypes.ModuleName).String(), Params: params}))
	plenty := sdk.NewCoins(sdk.NewInt64Coin(denom, 1_000_000_000_000))
	require.NoError(m.t, m.Bank.MintCoins(m.ctx, athtypes.ModuleName, plenty))
	require.NoError(m.t, m.Bank.SendCoinsFromModuleToAccount(m.ctx, athtypes.ModuleName, m.tenant.Address(), plenty))
}

// cached is the context of a transaction that is tried and dropped.
func (m *trader) cached() sdk.Context {
	ctx, _ := m.ctx.CacheContext()
	return ctx
}

func (m *trader) start(id string) {
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(m.t, err)
	lease, err := m.Leases.Lease(m.ctx, parsed)
	if err != nil || lease.UsageSequence > 0 {
		return
	}
	image := sha256.Sum256([]byte("image"))
	record := leasestypes.UsageRecord{
		LeaseId: id, Sequence: 1, From: m.ctx.BlockTime(), Until: m.ctx.BlockTime(), ImageDigest: image[:], BlockHeight: m.height - 1, BlockHash: image[:],
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(m.owner.String()), record.SignBytes(shadow.ChainID))
	_ = m.send(&leasestypes.MsgSubmitUsage{Operator: m.owner.String(), Records: []leasestypes.UsageRecord{record}})
}

func (m *trader) wait(d time.Duration) {
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
	m.open(d)
	_ = m.send(&providerstypes.MsgHeartbeat{Operator: m.owner.String(), Ids: m.live})
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
}

// judge turns a Container from healthy to faulty since two rounds ago, or back.
func (m *trader) judge(id uint64) {
	m.wait(2 * roundLength)
	m.round++
	require.NoError(m.t, m.Ath.Fold(m.ctx))
	other := 3 - id
	healthy, faulty := []uint64{id}, []uint64(nil)
	since, fell := m.down[id]
	if !fell {
		healthy, faulty = nil, []uint64{id}
	}
	if _, also := m.down[other]; also {
		faulty = append(faulty, other)
	} else {
		healthy = append(healthy, other)
	}
	m.verdict(m.round, true, healthy, nil, faulty)
	if fell {
		delete(m.down, id)
		m.outages[id] = append(m.outages[id], [2]time.Time{since, m.ctx.BlockTime()})
		require.NoError(m.t, m.Leases.Recovered(m.ctx, id))
	} else {
		m.down[id] = m.ctx.BlockTime().Add(-2 * roundLength)
		require.NoError(m.t, m.Leases.Fault(m.ctx, id, m.down[id]))
	}
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
}

// income is what the provider has of all that was paid: its fees, of which none has vested, and the service fee, of which none was distributed. Fees
// that a ticket holds were income before.
func (m *trader) income() math.Int {
	state, err := m.Ath.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	sum := math.ZeroInt()
	for _, r := range state.Rows {
		if r.Row.Denom == m.denom && (r.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES || r.Row.Kind == athtypes.RowKind_ROW_KIND_FEES_PENDING) {
			sum = sum.Add(r.Amount)
		}
	}
	suppliers, err := m.Providers.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	for _, ticket := range suppliers.Tickets {
		for _, r := range ticket.Sources {
			if r.Row.Denom == m.denom && r.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES {
				sum = sum.Add(r.Amount)
			}
		}
	}
	return sum
}

// check compares money and time with what was done.
func (m *trader) check() {
	m.fold()
	require.NoError(m.t, m.CheckInvariants(m.ctx))
	income := m.income()
	balance := m.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: m.tenant.String(), Denom: m.denom})
	require.Equal(m.t, m.deposited.Sub(income).Sub(m.withdrawn).String(), balance.String(), "deposited %s, earned %s, withdrawn %s", m.deposited, income, m.withdrawn)
	most := math.ZeroInt()
	for _, id := range m.leases {
		most = most.Add(m.earnable(id))
	}
	require.True(m.t, income.LTE(most), "earned %s, and no more than %s could be", income, most)
}

// earnable is the most that a lease's provider may have been paid: its rate while it ran and its Container was not faulty, or its minimum charge, and
// what a pause has cost, which was reserved.
func (m *trader) earnable(id string) math.Int {
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(m.t, err)
	var (
		from  *time.Time
		until time.Time
		grace math.Int
	)
	if lease, err := m.Leases.Lease(m.ctx, parsed); err == nil {
		from, until = lease.StartedAt, lease.SettledUntil
		grace = lease.GraceReserve
	} else {
		receipt := m.receipt(id)
		from, until = receipt.StartedAt, receipt.BilledUntil
		grace = math.NewInt(m.rates[id] * 60) // ten minutes at a tenth
	}
	if from == nil {
		return math.NewInt(m.minima[id])
	}
	served := until.Sub(*from)
	faults := m.outages[m.bound[id]]
	if since, down := m.down[m.bound[id]]; down {
		faults = append(faults[:len(faults):len(faults)], [2]time.Time{since, m.ctx.BlockTime()})
	}
	for _, f := range faults {
		begins, ends := f[0], f[1]
		if begins.Before(*from) {
			begins = *from
		}
		if ends.After(until) {
			ends = until
		}
		served -= max(0, ends.Sub(begins))
	}
	return math.MaxInt(math.NewInt(m.rates[id]*int64(max(0, served))).QuoRaw(int64(time.Second)), math.NewInt(m.minima[id])).Add(grace)
}

// TestNobodyWithdrawsOrEarnsTooMuch: no sequence of messages lets a tenant withdraw more than it has deposited less what was earned, nor a provider
// earn for a time in which its Container was faulty, or more than its lease ran, on the real keepers of all modules; in uath, and in a stable denom.
func TestNobodyWithdrawsOrEarnsTooMuch(t *testing.T) {
	for _, denom := range []string{athtypes.Denom, "uusdc"} {
		t.Run(denom, func(t *testing.T) { trade(t, denom) })
	}
}

// trade plays with one denom, of which the tenant has plenty.
func trade(t *testing.T, denom string) {
	c := dealerChain(t, func(p *athtypes.Params) { p.EpochDuration = 24 * time.Hour; p.VerdictHorizonEpochs = 30 })
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		m := &trader{
			world: w, denom: denom, round: 3, deposited: math.ZeroInt(), withdrawn: math.ZeroInt(), down: map[uint64]time.Time{}, outages: map[uint64][][2]time.Time{},
			bound: map[string]uint64{}, rates: map[string]int64{}, minima: map[string]int64{},
		}
		if denom != athtypes.Denom {
			m.admit(denom)
		}
		for id := uint64(1); id <= 2; id++ {
			require.NoError(rt, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{m.offer(rt, id)}}))
		}
		for range rapid.IntRange(5, 40).Draw(rt, "messages") {
			m.act(rt)
			m.check()
		}
	})
}
