// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// withoutFees is a genesis in which fees ripen at once and nothing is in the SLA fund, so that a fault is paid for by a ticket.
func withoutFees(ath *athtypes.GenesisState, providers *providerstypes.GenesisState, _ *leasestypes.GenesisState) {
	ath.Params.EpochDuration, ath.Params.VerdictHorizonEpochs = 20*time.Second, 1
	ath.Params.FeeVesting = time.Second
	providers.Params.TicketDeadline = time.Minute
}

// TestAnOutageIsPaidByItsTicket: the provider has taken its fees out, and the SLA fund is empty. What the Checkers' verdict owes the tenant
// comes out of the provider's stake, or its pocket, when the ticket runs out or is paid: to the last uath, also where the tenant has left.
// The provider's own people get nothing of it.
func TestAnOutageIsPaidByItsTicket(t *testing.T) {
	for name, related := range map[string]bool{"it runs out": false, "it is paid": false, "the tenant has left": false, "the owner is the tenant": true} {
		t.Run(name, func(t *testing.T) {
			c := newCourt(t, 1, 3, withoutFees)
			owner, tenant := c.owners[0], tenantOf
			if related {
				tenant = owner
			}
			id := c.rent(c.order(tenant, 1_000_000, 1))
			c.run(26 * time.Second)
			c.must(c.settle(id))
			paid := 1_000_000 - c.prepaid(tenant)
			c.run(4 * time.Second) // it has ripened
			c.faulty(1)
			tickets := c.tickets(owner)
			require.Len(t, tickets, 1)
			at := c.prepaid(tenant)
			owed := 1_000_000 - at
			if related {
				owed = 0
			}
			require.LessOrEqual(t, owed, paid)
			require.Equal(t, owed, tickets[0].Owed.Int64())
			var mine providerstypes.QueryTicketsResponse
			c.Query("/athd.providers.v1.Query/Tickets", &providerstypes.QueryTicketsRequest{Beneficiary: tenant.String()}, &mine)
			require.Len(t, mine.Tickets, map[bool]int{true: 0, false: 1}[related])
			stake := c.row(providerstypes.StakeRow(owner.String(), 1)) + tickets[0].FromStake().Int64()
			switch name {
			case "it is paid":
				c.must(c.Sign(owner, &providerstypes.MsgPayTicket{Owner: owner.String(), Id: tickets[0].Id}))
				require.Equal(t, stake, c.row(providerstypes.StakeRow(owner.String(), 1)))
			case "the tenant has left":
				c.must(c.close(tenant, id))
				c.must(c.Sign(tenant, &leasestypes.MsgWithdrawDeposit{Tenant: tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}))
				at = 0
			}
			c.until("its end", func() bool { return len(c.tickets(owner)) == 0 })
			c.must() // the leases' part of a block's end comes before the tickets'
			require.Equal(t, at+owed, c.prepaid(tenant))
			c.Query("/athd.providers.v1.Query/Tickets", &providerstypes.QueryTicketsRequest{Beneficiary: tenant.String()}, &mine)
			require.Empty(t, mine.Tickets)
		})
	}
}

// longRate is what the party pays itself for what is reserved for days, in 10^-6 uath per second.
const longRate = 10_000_000_000

// dealer is a provider that is its own tenant, under an address that nobody can connect with it, and is after what is locked: rewards that
// vest for long, and its stake.
type dealer struct {
	*trader
	n int
}

// free is what the party has in its hands, or could have now.
func (d *dealer) free() math.Int {
	sum := d.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: d.tenant.String(), Denom: athtypes.Denom})
	for _, who := range []gen.Account{d.owner, d.tenant} {
		sum = sum.Add(d.Bank.GetBalance(d.ctx, who.Address(), athtypes.Denom).Amount)
	}
	return sum
}

// pass lets time go by in blocks with all that modules do in them, at most an hour each.
func (d *dealer) pass(long time.Duration) {
	for ; long > 0; long -= time.Hour {
		require.NoError(d.t, d.Leases.EndBlock(d.ctx))
		require.NoError(d.t, d.Providers.EndBlock(d.ctx))
		d.fold()
		d.open(min(long, time.Hour))
	}
}

// leased opens and starts a lease of the party's own Container.
func (d *dealer) leased(t *rapid.T, reserved bool) string {
	if !reserved {
		return d.world.leased(dealerRate)
	}
	term := time.Duration(rapid.IntRange(1, 60).Draw(t, "term")) * day
	manifest := sha256.Sum256([]byte("manifest"))
	msg := &leasestypes.MsgCreateLease{
		Tenant: d.tenant.String(), Candidates: []uint64{1}, MaxRate: math.NewInt(longRate), ManifestHash: manifest[:],
		Deposit: sdk.NewCoin(athtypes.Denom, math.NewInt(longRate/1_000_000*int64(term/time.Second)+1)),
		Mode:    leasestypes.LeaseMode_LEASE_MODE_RESERVED, Duration: term,
	}
	res, err := d.MsgServiceRouter().Handler(msg)(d.ctx, msg)
	require.NoError(d.t, err)
	var opened leasestypes.MsgCreateLeaseResponse
	require.NoError(d.t, opened.Unmarshal(res.Data))
	d.start(opened.LeaseId)
	return opened.LeaseId
}

func (d *dealer) act(t *rapid.T) {
	tenant, owner := d.tenant.String(), d.owner.String()
	switch rapid.SampledFrom([]string{
		"lease", "lease", "settle", "fault", "fault", "exit", "exit", "close", "break", "break", "notice", "withdraw", "pay", "wait", "wait long",
	}).Draw(t, "what") {
	case "lease":
		if len(d.down) > 0 {
			return
		}
		_ = d.send(&providerstypes.MsgHeartbeat{Operator: owner, Ids: d.live})
		if cached, _ := d.ctx.CacheContext(); d.Providers.Bindable(cached, 1) != nil {
			return
		}
		d.leases = append(d.leases, d.leased(t, rapid.Bool().Draw(t, "reserved")))
		d.pass(time.Duration(rapid.IntRange(1, 14).Draw(t, "minutes")) * time.Minute)
	case "settle":
		for _, id := range d.leases {
			_ = d.send(&leasestypes.MsgSettle{Signer: owner, LeaseIds: []string{id}})
		}
	case "fault":
		d.judge(1)
	case "exit": // the settled fees, which the block's end adds up
		d.pass(time.Second)
		p, err := d.Ath.Params(d.ctx)
		require.NoError(d.t, err)
		option := p.FeeExits[0]
		_ = d.send(&athtypes.MsgExit{
			Beneficiary: owner, Ledger: athtypes.Ledger_LEDGER_FEES, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm, MaxAmount: math.ZeroInt(),
		})
	case "close":
		for _, id := range d.leases {
			_ = d.send(&leasestypes.MsgCloseLease{Signer: tenant, LeaseId: id})
		}
	case "break", "notice":
		for _, id := range d.leases {
			var msg sdk.Msg = &leasestypes.MsgCloseLease{Signer: owner, LeaseId: id, Reason: leasestypes.CloseReason_CLOSE_REASON_PROVIDER}
			if rapid.Bool().Draw(t, "notice") {
				msg = &leasestypes.MsgReclaimLease{Operator: owner, LeaseId: id}
			}
			_ = d.send(msg)
		}
	case "withdraw":
		_ = d.send(&athtypes.MsgWithdraw{Signer: owner})
		_ = d.send(&leasestypes.MsgWithdrawDeposit{Tenant: tenant, Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())})
	case "pay":
		g, err := d.Providers.ExportGenesis(d.ctx)
		require.NoError(d.t, err)
		for _, ticket := range g.Tickets {
			_ = d.send(&providerstypes.MsgPayTicket{Owner: owner, Id: ticket.Id})
		}
	case "wait":
		d.pass(time.Duration(rapid.IntRange(1, 120).Draw(t, "minutes")) * time.Minute)
	case "wait long":
		d.n++
		if d.n <= 2 { // no fees vest in all of the test
			d.pass(time.Duration(rapid.IntRange(1, 9).Draw(t, "days")) * day)
		}
	}
}

// TestNobodyFaultsItsWayOutOfVesting: a provider makes its own tenant the victim of outages and broken promises, at a price of its own choice, and takes the fees out
// early where it can. All that it has in its hands in the end it had before: what faults and tickets give back is what it has paid, fees that are
// on their way out are the first that answer for it, and rewards and stake stay locked or are lost.
func TestNobodyFaultsItsWayOutOfVesting(t *testing.T) {
	c := dealerChain(t, func(p *athtypes.Params) { p.EpochDuration = 24 * time.Hour })
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		d := &dealer{trader: &trader{world: w, round: 3, down: map[uint64]time.Time{}, outages: map[uint64][][2]time.Time{}}}
		require.NoError(rt, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{
			{
				ContainerId: 1, Denom: athtypes.Denom, Rate: math.NewInt(dealerRate), MinCharge: time.Minute,
				Reserved: &leasestypes.ReservedTerms{Rate: math.NewInt(longRate), MinTerm: day},
			},
		}}))
		w.vest(w.owner, athtypes.Ledger_LEDGER_DELIVERY, 100_000_000_000)
		w.give(fund, rapid.SampledFrom([]int64{1, 1_000_000, 10_000_000_000}).Draw(rt, "fund"))
		w.fold()
		before := d.free()
		for range rapid.IntRange(3, 14).Draw(rt, "steps") {
			d.act(rt)
		}
		for _, id := range d.leases {
			_ = d.send(&leasestypes.MsgCloseLease{Signer: d.tenant.String(), LeaseId: id})
		}
		d.pass(8 * day) // tickets run out, exits are ripe
		_ = d.send(&athtypes.MsgWithdraw{Signer: d.owner.String()})
		d.pass(time.Second)
		require.NoError(rt, d.CheckInvariants(d.ctx))
		require.True(rt, d.free().LTE(before), "had %s, has %s", before, d.free())
	})
}
