// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// coins are an amount that pays for minutes, or for hours.
func (m *bazaar) coins(t *rapid.T, label string) sdk.Coin {
	most := rapid.SampledFrom([]int64{400_000, 20_000_000}).Draw(t, label+" at most")
	return sdk.NewCoin(m.denom, math.NewInt(rapid.Int64Range(0, most).Draw(t, label)))
}

func (m *bazaar) close(t *rapid.T, b *book) {
	signer := rapid.SampledFrom([]string{"tenant", "tenant", "provider", "governance", "stranger"}).Draw(t, "signer")
	msg := &leasestypes.MsgCloseLease{Signer: b.tenant, LeaseId: b.id}
	switch signer {
	case "provider":
		if !b.over {
			msg.Signer = m.ownerOf(b.here().container).String()
		}
	case "governance":
		msg.Signer = gov()
	case "stranger":
		msg.Signer = m.friends[0].String()
	}
	_ = m.send(msg)
}

func (m *bazaar) update(t *rapid.T, b *book) {
	msg := &leasestypes.MsgUpdateLease{
		Tenant: b.tenant, LeaseId: b.id, PriorityPlusOne: 1 + rapid.Uint32Range(0, 2).Draw(t, "priority"),
		ExtendBy: time.Duration(rapid.SampledFrom([]int{0, 30, 90}).Draw(t, "longer")) * time.Minute,
	}
	if m.send(msg) == nil && msg.ExtendBy > 0 {
		b.ends = b.ends.Add(msg.ExtendBy)
	}
}

// tell lets a provider give notice.
func (m *bazaar) tell(b *book) {
	if b.over {
		return
	}
	res, ok := call[leasestypes.MsgReclaimLeaseResponse](m.world, &leasestypes.MsgReclaimLease{Operator: m.ownerOf(b.here().container).String(), LeaseId: b.id})
	if !ok {
		return
	}
	require.True(m.t, b.notice.IsZero() && res.ReclaimAt.After(m.ctx.BlockTime()))
	b.notice = res.ReclaimAt
	if b.reserved { // what was promised is not kept
		m.disturbed = true
	}
}

// move takes a lease to its standby, if somebody may.
func (m *bazaar) move(t *rapid.T, b *book) {
	signer := rapid.SampledFrom([]string{b.tenant, m.friends[1].String()}).Draw(t, "signer")
	res, ok := call[leasestypes.MsgFailoverResponse](m.world, &leasestypes.MsgFailover{Signer: signer, LeaseId: b.id})
	if !ok {
		return
	}
	if signer != b.tenant {
		require.Contains(m.t, m.down, b.here().container, "nobody else moves a lease from a Container that serves")
	}
	b.halt(b.until(m.ctx.BlockTime()))
	for _, standby := range m.books {
		if s := standby.here(); !standby.over && standby.standbyOf == b.id && s.container == res.ContainerId {
			b.stays = append(b.stays, &stay{container: s.container, rate: standby.full, minimum: s.minimum, storage: math.ZeroInt()})
			b.bound, b.notice, b.reserved, b.records = m.ctx.BlockTime(), time.Time{}, false, 0
			return
		}
	}
	require.Fail(m.t, "a lease moves to what stood by for it")
}

func (m *bazaar) resume(t *rapid.T, b *book) {
	if m.send(&leasestypes.MsgResumeLease{Tenant: b.tenant, LeaseId: b.id, Deposit: m.coins(t, "with")}) == nil {
		b.kept(span{*b.paused, m.ctx.BlockTime()})
		b.bound = m.ctx.BlockTime()
	}
}

// money moves some between wallets and accounts, one way or the other.
func (m *bazaar) money(t *rapid.T) {
	tenant, friend := rapid.SampledFrom(m.tenants).Draw(t, "tenant").String(), rapid.SampledFrom(m.friends).Draw(t, "friend").String()
	parent, sub := m.tenants[0].String(), m.tenants[1].String()
	amount := m.coins(t, "amount")
	what := []string{"deposit", "deposit for", "withdraw", "withdraw all", "reclaim", "give back"}
	if m.denom == athtypes.Denom {
		what = append(what, "grant", "draw", "draw", "refill", "revoke", "name", "fund", "fund", "take back")
	}
	var msg sdk.Msg
	switch rapid.SampledFrom(what).Draw(t, "money") {
	case "deposit":
		msg = &leasestypes.MsgDeposit{Depositor: tenant, Tenant: tenant, Amount: amount}
	case "deposit for":
		msg = &leasestypes.MsgDeposit{Depositor: friend, Tenant: tenant, Amount: amount}
	case "withdraw":
		msg = &leasestypes.MsgWithdrawDeposit{Tenant: tenant, Amount: amount}
	case "withdraw all":
		msg = &leasestypes.MsgWithdrawDeposit{Tenant: tenant, Amount: sdk.NewInt64Coin(m.denom, 0)}
	case "reclaim":
		msg = &leasestypes.MsgReclaimDeposit{Signer: friend, Tenant: tenant, Amount: amount}
	case "give back":
		msg = &leasestypes.MsgReclaimDeposit{Signer: tenant, Tenant: tenant, Depositor: friend, Amount: amount}
	case "take back":
		msg = &leasestypes.MsgReclaimDeposit{Signer: parent, Tenant: sub, Amount: amount}
	case "grant":
		grant := &leasestypes.MsgGrantDeposit{Granter: friend, Grantee: tenant, Limit: amount}
		if rapid.Bool().Draw(t, "refills") {
			grant.Refill = &leasestypes.AutoRefill{
				Keep: math.NewInt(300_000), Amount: math.NewInt(1_000_000), Cap: math.NewInt(2_000_000), Period: time.Hour,
			}
		}
		msg = grant
	case "draw":
		msg = &leasestypes.MsgDeposit{Depositor: tenant, Granter: friend, Amount: amount}
	case "refill":
		msg = &leasestypes.MsgSetRefill{Tenant: tenant, Granter: friend}
	case "revoke":
		msg = &leasestypes.MsgRevokeDepositGrant{Signer: friend, Granter: friend, Grantee: tenant}
	case "name":
		msg = &leasestypes.MsgSetSubAccount{Parent: parent, Sub: sub, Limit: amount}
	case "fund":
		msg = &leasestypes.MsgFundSubAccount{Parent: parent, Sub: sub, Amount: amount}
	}
	_ = m.send(msg)
}

// meter opens, pays through and ends channels.
func (m *bazaar) meter(t *rapid.T) {
	now := m.ctx.BlockTime()
	if what := rapid.IntRange(0, 5).Draw(t, "channel"); what < 2 || len(m.channels) == 0 {
		who, limit := rapid.SampledFrom(m.tenants).Draw(t, "tenant"), rapid.Int64Range(10_000, 1_000_000).Draw(t, "cap")
		one := &tab{tenant: who, container: rapid.SampledFrom(m.live).Draw(t, "container"), limit: limit}
		expires := now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour)
		res, ok := call[leasestypes.MsgOpenChannelsResponse](m.world, &leasestypes.MsgOpenChannels{
			Tenant: who.String(), Deposit: m.coins(t, "with"), Channels: []leasestypes.ChannelOrder{{
				ContainerId: one.container, Cap: uint64(limit), ExpiresAt: expires, VoucherKey: m.key.Public().(ed25519.PublicKey),
			}},
		})
		if ok {
			one.number, one.ends = res.First, expires.Add(day)
			m.channels = append(m.channels, one)
		}
		return
	}
	one := rapid.SampledFrom(m.channels).Draw(t, "of")
	switch rapid.SampledFrom([]string{"redeem", "redeem", "redeem", "top up", "close", "close"}).Draw(t, "then") {
	case "redeem":
		v := leasestypes.Voucher{Tenant: one.tenant.String(), Number: one.number, Amount: rapid.Uint64Range(1, uint64(2*one.limit)).Draw(t, "voucher")}
		v.Signature = ed25519.Sign(m.key, v.SignBytes(shadow.ChainID))
		res, ok := call[leasestypes.MsgRedeemResponse](m.world, &leasestypes.MsgRedeem{Signer: m.friends[0].String(), Vouchers: []leasestypes.Voucher{v, v}})
		require.True(m.t, ok)
		due := int64(0)
		if !one.over {
			due = max(0, min(int64(v.Amount), one.limit)-one.redeemed)
		}
		require.Equal(m.t, due, int64(res.Paid))
		one.redeemed += due
	case "top up":
		more := rapid.Int64Range(1, 500_000).Draw(t, "more")
		if m.send(&leasestypes.MsgTopUpChannel{Tenant: one.tenant.String(), Number: one.number, Amount: uint64(more)}) == nil {
			require.False(m.t, one.over || one.closing)
			one.limit += more
		}
	case "close":
		signer := rapid.SampledFrom([]gen.Account{one.tenant, m.ownerOf(one.container), m.friends[1]}).Draw(t, "signer")
		if m.send(&leasestypes.MsgCloseChannels{Signer: signer.String(), Tenant: one.tenant.String(), Numbers: []uint64{one.number}}) != nil {
			return
		}
		switch {
		case one.over:
		case signer == one.tenant:
			if end := now.Add(day); !one.closing && end.Before(one.ends) {
				one.ends = end
			}
			one.closing = true
		default:
			require.Equal(m.t, m.ownerOf(one.container).String(), signer.String())
			one.over = true
		}
	}
}

// tabs compares what channels hold with what was noted, and returns what was redeemed.
func (m *bazaar) tabs() math.Int {
	redeemed := math.ZeroInt()
	for _, one := range m.channels {
		redeemed = redeemed.AddRaw(one.redeemed)
		left := one.limit - one.redeemed
		if one.over = one.over || !m.ctx.BlockTime().Before(one.ends); one.over {
			left = 0
		}
		require.Equal(m.t, left, m.held(one).Int64())
	}
	return redeemed
}

func (m *bazaar) held(one *tab) math.Int {
	return m.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_CHANNEL, Owner: one.tenant.String(), Bucket: one.number, Denom: athtypes.Denom})
}

// tickets are those that are open.
func (m *bazaar) tickets() []providerstypes.Ticket {
	state, err := m.Providers.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	return state.Tickets
}

// owed is what tickets still have to bring in for tenants, of what was earned wrongly.
func (m *bazaar) owed() math.Int {
	sum := math.ZeroInt()
	if m.denom != athtypes.Denom {
		return sum
	}
	for _, ticket := range m.tickets() {
		sum = sum.Add(ticket.Owed)
	}
	return sum
}

// payTicket lets a provider pay one: what its tenant is owed of it comes out of the provider's own pocket.
func (m *bazaar) payTicket(t *rapid.T) {
	open := m.tickets()
	if len(open) == 0 {
		return
	}
	ticket := rapid.SampledFrom(open).Draw(t, "ticket")
	require.NoError(m.t, m.send(&providerstypes.MsgPayTicket{Owner: ticket.Provider, Id: ticket.Id}))
	if m.denom == athtypes.Denom {
		m.paid = m.paid.Add(ticket.Owed)
	}
	m.fold()
	require.NoError(m.t, m.Leases.EndBlock(m.ctx)) // adds it to the account
}

// has is what somebody has of the denom, wherever it is.
func (m *bazaar) has(who gen.Account) math.Int {
	sum := m.wallet(who).Add(m.prepaid(who))
	for _, one := range m.channels {
		if one.tenant.String() == who.String() && m.denom == athtypes.Denom {
			sum = sum.Add(m.held(one))
		}
	}
	return sum
}

// everybody checks that nobody has more than he came with, that accounts hold what their leases have used, and that no provider has earned what
// another's Containers have served.
func (m *bazaar) everybody(income math.Int) {
	require.True(m.t, m.paid.LTE(income), "tickets give back %s at most what was paid, %s", m.paid, income)
	for _, who := range m.friends {
		require.True(m.t, m.wallet(who).LTE(m.purses[who.Name]), "%s came with %s and has %s", who.Name, m.purses[who.Name], m.wallet(who))
	}
	for _, who := range m.tenants {
		if !m.disturbed { // a tenant gets credits also for what others had paid and was used up
			require.True(m.t, m.wallet(who).LTE(m.purses[who.Name]), "%s came with %s and has %s", who.Name, m.purses[who.Name], m.wallet(who))
		}
		for range 200 { // what has run dry in a long block may take many more to be taken off, a second of its minimum charge in each
			if m.prepaid(who).GTE(m.used(who)) {
				break
			}
			require.NoError(m.t, m.Leases.EndBlock(m.ctx))
			m.fold()
			for _, b := range m.books {
				m.observe(b)
			}
		}
		require.True(m.t, m.prepaid(who).GTE(m.used(who)), "%s has %s, and its leases have used %s", who.Name, m.prepaid(who), m.used(who))
	}
	for _, f := range m.fleets {
		most := math.ZeroInt()
		for _, b := range m.books {
			for _, s := range b.stays {
				if m.ownerOf(s.container) == f.owner {
					most = most.Add(m.most(b, s, true))
				}
			}
		}
		for _, one := range m.channels {
			if m.ownerOf(one.container) == f.owner {
				most = most.Add(math.NewInt(one.redeemed).MulRaw(parts))
			}
		}
		fees := m.fees(f.owner)
		require.True(m.t, fees.MulRaw(parts).LTE(most), "%s has earned %s, and no more than %s parts could be", f.owner.Name, fees, most)
	}
}

// used is what a tenant's leases have earned and were not billed for yet: nobody can take it out.
func (m *bazaar) used(who gen.Account) math.Int {
	sum := math.ZeroInt()
	for _, b := range m.books {
		if b.tenant == who.String() && b.running != nil && m.sound(b) {
			sum = sum.Add(math.MaxInt(math.ZeroInt(), m.least(b).Sub(b.billed)))
		}
	}
	return sum
}

// fees are what a provider has earned, less the service fee, and what tickets hold of it.
func (m *bazaar) fees(owner gen.Account) math.Int {
	state, err := m.Ath.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	rows := state.Rows
	for _, ticket := range m.tickets() {
		rows = append(rows, ticket.Sources...)
	}
	sum := math.ZeroInt()
	for _, r := range rows {
		if r.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES && r.Row.Owner == owner.String() && r.Row.Denom == m.denom {
			sum = sum.Add(r.Amount)
		}
	}
	return sum
}

// drain lets everybody take out all that he can, in a story that is not told further: nobody has more than he came with, and what leases have used is
// still there.
func (m *bazaar) drain() {
	before := m.ctx
	m.ctx, _ = m.ctx.CacheContext()
	all := sdk.NewInt64Coin(m.denom, 0)
	for range 2 { // what a parent takes back is in its account first
		for _, tenant := range m.tenants {
			for _, who := range m.people() {
				_ = m.send(&leasestypes.MsgReclaimDeposit{Signer: who.String(), Tenant: tenant.String(), Amount: all})
			}
			_ = m.send(&leasestypes.MsgWithdrawDeposit{Tenant: tenant.String(), Amount: all})
		}
	}
	m.check()
	m.ctx = before
}
