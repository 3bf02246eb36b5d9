// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// TestGenesisRoundTrip: a chain in the middle of everything (a running lease, a fault and a broken device, windows, sealed reports, vesting
// income and some that leaves early, bars, a quarter's bonus, unbonding stake, a contested slash ticket, the DAO's grant, beacon keys, a
// price and its index, a payment channel) is exported and started again from the file: the same bytes come out of it, and both chains go on
// alike. The new one runs on twins that agree on every hash.
func TestGenesisRoundTrip(t *testing.T) {
	votes := shadow.WithVotes(func(int64) []byte { return says(t, 30_000_000) })
	m := newMarketOf(t, []shadow.Twin{shadow.Plain()}, grantingGenesis, votes)
	for range 3 { // the index is stepped hourly
		m.Block(61 * time.Minute)
	}
	m.open(5)
	m.window(m.ids[3])
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	m.run(70 * time.Second)
	m.broken[m.ids[2]] = true
	m.run(20 * time.Second)
	m.next(m.use(id, m.Now().Add(-2*time.Second), m.Now()))
	m.everything(id)

	first := m.export()
	imported := importOnly(t, first.AppState, first.Height, m.Now())
	requireSameModules(t, first.AppState, imported)

	restarted := *m
	restarted.broken, restarted.sealed, restarted.usage = maps.Clone(m.broken), maps.Clone(m.sealed), maps.Clone(m.usage)
	twins := shadow.All()
	restarted.Chain = shadow.Resume(t, twins, first.AppState, first.Height, m.Now(), votes)
	// The first block of the new chain is made without transactions at the time of the old one's last: nothing falls due.
	m.Block(0)
	require.Equal(t, m.Height(), restarted.Height())
	for _, side := range []*market{m, &restarted} {
		require.NoError(t, side.App().CheckInvariants(side.Context()))
		side.run(90 * time.Second) // over an epoch's end: shares close, the DAO streams, a beacon key comes into use
		res := side.next(side.use(id, side.Now().Add(-time.Second), side.Now()),
			side.Sign(side.tenant, &leasestypes.MsgCloseLease{Signer: side.tenant.String(), LeaseId: id}))
		receipt := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[1]).Receipt
		require.Equal(t, price(receipt.EndedAt.Sub(*receipt.StartedAt)).String(), receipt.Billed.String(), "billed across the restart")
		res = side.next(side.redeem(30_000), side.redeem(30_000),
			side.Sign(side.tenant, &leasestypes.MsgCloseChannels{Signer: side.tenant.String(), Tenant: side.tenant.String(), Numbers: []uint64{1}}))
		require.EqualValues(t, 10_000, answer[leasestypes.MsgRedeemResponse](t, res.TxResults[0]).Paid, "what the old chain paid is not paid again")
		require.Zero(t, answer[leasestypes.MsgRedeemResponse](t, res.TxResults[1]).Paid)
		side.next(side.Sign(side.owner, &athtypes.MsgClaim{Signer: side.owner.String(), Containers: side.ids}),
			side.Sign(side.owner, &athtypes.MsgWithdraw{Signer: side.owner.String()}))
	}
	requireSameModules(t, m.story(), restarted.story())
}

// story is the state without what hashes decide: the old chain's beacons are made of other app hashes than the new one's,
// whose stores count their versions from the restart, and rounds are seeded by beacons.
func (m *market) story() []byte {
	m.t.Helper()
	var state app.GenesisState
	require.NoError(m.t, json.Unmarshal(m.export().AppState, &state))
	edit(m.App().AppCodec(), state, athtypes.ModuleName, func(g *athtypes.GenesisState) { g.Beacon, g.Beacons = nil, nil })
	edit(m.App().AppCodec(), state, checkstypes.ModuleName, func(g *checkstypes.GenesisState) {
		for i := range g.Rounds {
			g.Rounds[i].Seed = nil
		}
	})
	out, err := json.Marshal(state)
	require.NoError(m.t, err)
	return out
}

// grantingGenesis has a grant of the DAO.
func grantingGenesis(enc app.Encoding, genesis app.GenesisState) {
	quickGenesis(enc, genesis)
	edit(enc.Codec, genesis, athtypes.ModuleName, func(g *athtypes.GenesisState) {
		g.Rows = append(g.Rows, athtypes.RowBalance{Row: athtypes.DAORow(), Amount: gen.ATH(1_000_001)})
	})
	edit(enc.Codec, genesis, banktypes.ModuleName, func(g *banktypes.GenesisState) {
		vault := authtypes.NewModuleAddress(athtypes.ModuleName).String()
		g.Balances = append(g.Balances, banktypes.Balance{Address: vault, Coins: gen.Coins(gen.ATH(1_000_001))})
	})
}

// requireSameModules compares the states of our modules, byte by byte.
func requireSameModules(t *testing.T, one, other []byte) {
	t.Helper()
	var before, after app.GenesisState
	require.NoError(t, json.Unmarshal(one, &before))
	require.NoError(t, json.Unmarshal(other, &after))
	for _, module := range []string{athtypes.ModuleName, providerstypes.ModuleName, leasestypes.ModuleName, checkstypes.ModuleName} {
		require.Equal(t, string(before[module]), string(after[module]), "x/%s", module)
	}
}

// window lets a Container be available from now on for some hours a day.
func (m *market) window(id uint64) {
	m.t.Helper()
	c, err := m.App().Providers.Container(m.Context(), id)
	require.NoError(m.t, err)
	m.next(m.Sign(m.hot, &providerstypes.MsgUpdateContainer{
		Operator: m.hot.String(), Id: id, Endpoint: c.Endpoint, Connectivity: c.Connectivity, Region: c.Region, Spec: c.Spec, Fingerprint: c.Fingerprint,
		Windows: []providerstypes.Window{{Days: 127, From: uint32(m.Now().Hour() * 60), To: uint32(m.Now().Hour()*60 + 240)}},
	}))
}

// everything brings the states about that the story does not have by itself, and says if one of them is missing.
func (m *market) everything(lease string) {
	m.t.Helper()
	operator := gen.NewValidator().Operator
	for i := range 2 { // the first counts by now and the second waits for its epoch
		seed := sha256.Sum256([]byte{byte(i)})
		secret, err := athtypes.NewBeaconSecret(seed[:])
		require.NoError(m.t, err)
		m.next(m.Sign(operator, &athtypes.MsgSetBeaconKey{
			Operator: sdk.ValAddress(operator.Address()).String(), Pubkey: secret.Public(),
			Possession: secret.ProvePossession(shadow.ChainID, operator.Address()),
		}))
		if i == 0 {
			m.run(2 * time.Minute)
		}
	}
	option := m.params().RewardExits[0]
	m.next(m.Sign(m.owner, &athtypes.MsgClaim{
		Signer: m.owner.String(), Ledgers: []athtypes.Ledger{athtypes.Ledger_LEDGER_CAPACITY}, Containers: m.ids,
		Exits: []athtypes.ClaimExit{{Ledger: athtypes.Ledger_LEDGER_CAPACITY, Delay: option.Delay, PenaltyPpm: option.PenaltyPpm}},
	}))
	m.ticket(m.ids[0])
	retired := m.ids[1]
	m.ids = slices.Delete(m.ids, 1, 2) // it sends no heartbeat any more
	m.next(m.Sign(m.owner, &providerstypes.MsgRetireContainers{Owner: m.owner.String(), Ids: []uint64{retired}}),
		m.Sign(m.tenant, &leasestypes.MsgSettle{Signer: m.tenant.String(), LeaseIds: []string{lease}}))
	m.contest()
	exit, device := m.params().FeeExits[0], m.ids[len(m.ids)-1]
	m.next(m.Sign(m.owner, &athtypes.MsgExit{
		Beneficiary: m.owner.String(), Ledger: athtypes.Ledger_LEDGER_FEES, Delay: exit.Delay, PenaltyPpm: exit.PenaltyPpm, MaxAmount: math.NewInt(1_000),
	}), m.Sign(m.hot, &providerstypes.MsgHeartbeat{
		Operator: m.hot.String(), Ids: []uint64{device},
		Faults: []providerstypes.DeviceFault{{Id: device, Kind: providerstypes.DeviceFaultKind_DEVICE_FAULT_KIND_XID, Code: 79, Device: "GPU-0"}},
	}))

	m.next(m.Sign(m.tenant, &leasestypes.MsgOpenChannels{
		Tenant: m.tenant.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, 50_000),
		Channels: []leasestypes.ChannelOrder{{
			ContainerId: m.ids[0], Cap: 50_000, ExpiresAt: m.Now().Add(24 * time.Hour), VoucherKey: m.voucherKey().Public().(ed25519.PublicKey),
		}},
	}))
	m.next(m.redeem(20_000))

	ath, err := m.App().Ath.ExportGenesis(m.Context())
	require.NoError(m.t, err)
	providers, err := m.App().Providers.ExportGenesis(m.Context())
	require.NoError(m.t, err)
	kinds, exiting := make(map[athtypes.RowKind]bool), false
	for _, row := range ath.Rows {
		kinds[row.Row.Kind] = true
		exiting = exiting || row.Row.Kind == athtypes.RowKind_ROW_KIND_EXITING && int64(row.Row.Bucket) > m.Now().Unix()
	}
	require.True(m.t, exiting, "no early exit is in progress")
	for _, kind := range []athtypes.RowKind{
		athtypes.RowKind_ROW_KIND_DAO, athtypes.RowKind_ROW_KIND_STAKE, athtypes.RowKind_ROW_KIND_UNBONDING, athtypes.RowKind_ROW_KIND_HELD,
		athtypes.RowKind_ROW_KIND_CHANNEL,
		athtypes.Ledger_LEDGER_FEES.VestingKind(), athtypes.Ledger_LEDGER_CAPACITY.VestingKind(),
	} {
		require.True(m.t, kinds[kind], "no row of %s", kind)
	}
	require.NotZero(m.t, ath.Price.Spot)
	require.NotNil(m.t, ath.UsdIndex)
	require.NotEmpty(m.t, ath.UsdCheckpoints)
	require.NotEmpty(m.t, ath.Bars)
	require.NotEmpty(m.t, ath.Shares)
	require.NotEmpty(m.t, ath.SharePositions)
	require.Len(m.t, ath.BeaconKeys, 1)
	require.NotEmpty(m.t, ath.BeaconKeys[0].Current)
	require.NotEmpty(m.t, ath.BeaconKeys[0].Next)
	contested := func(t providerstypes.Ticket) bool {
		return t.State == providerstypes.TicketState_TICKET_STATE_CONTESTED
	}
	require.True(m.t, slices.ContainsFunc(providers.Tickets, contested), "no ticket is contested")
	require.True(m.t, slices.ContainsFunc(providers.Containers, func(c providerstypes.Container) bool { return len(c.Windows) > 0 }), "no windows")
	require.True(m.t, slices.ContainsFunc(providers.Statuses, func(s providerstypes.ContainerStatus) bool { return s.DeviceFault != "" }), "no broken device")
	require.True(m.t, slices.ContainsFunc(providers.Statuses, providerstypes.ContainerStatus.Faulty), "no fault")
	require.True(m.t, slices.ContainsFunc(ath.SharePositions, func(p athtypes.SharePosition) bool {
		return p.Pool == athtypes.Pool_POOL_CHECKER_BONUS
	}), "no share of the bonus")
}

func (m *market) voucherKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
}

// redeem hands in a voucher of the tenant's first channel.
func (m *market) redeem(amount uint64) []byte {
	m.t.Helper()
	v := leasestypes.Voucher{Tenant: m.tenant.String(), Number: 1, Amount: amount}
	v.Signature = ed25519.Sign(m.voucherKey(), v.SignBytes(shadow.ChainID))
	return m.Sign(m.tenant, &leasestypes.MsgRedeem{Signer: m.tenant.String(), Vouchers: []leasestypes.Voucher{v}})
}

// contest holds all tickets, as x/checks does for a contest. It writes into the state between two blocks, which the next
// block commits.
func (m *market) contest() {
	m.t.Helper()
	header := cmtproto.Header{ChainID: shadow.ChainID, Height: m.Height(), Time: m.Now()}
	ctx := m.App().NewUncachedContext(false, header) //nolint:staticcheck // the state itself is meant
	providers, err := m.App().Providers.ExportGenesis(ctx)
	require.NoError(m.t, err)
	for _, ticket := range providers.Tickets {
		_, err := m.App().Providers.HoldTicket(ctx, ticket.Id)
		require.NoError(m.t, err)
	}
}

func (m *market) params() athtypes.Params {
	params, err := m.App().Ath.Params(m.Context())
	require.NoError(m.t, err)
	return params
}

// ticket lets governance open a slash ticket.
func (m *market) ticket(container uint64) {
	m.t.Helper()
	open := &providerstypes.MsgOpenTicket{
		Authority: authtypes.NewModuleAddress(govtypes.ModuleName).String(), Provider: m.owner.String(), Container: container,
		Reason: providerstypes.TicketReason_TICKET_REASON_SLA, Evidence: []byte("evidence"), Amount: gen.ATH(1),
	}
	m.pass("damage", open)
}

// pass proposes a message of governance and votes for it.
func (m *market) pass(title string, msg sdk.Msg) {
	m.t.Helper()
	var gov govv1.QueryParamsResponse
	m.Query("/cosmos.gov.v1.Query/Params", &govv1.QueryParamsRequest{}, &gov)
	propose, err := govv1.NewMsgSubmitProposal([]sdk.Msg{msg}, gov.Params.MinDeposit, m.tenant.String(), "", title, title, false)
	require.NoError(m.t, err)
	res := m.next(m.Sign(m.tenant, propose))
	id := answer[govv1.MsgSubmitProposalResponse](m.t, res.TxResults[0]).ProposalId
	operator := gen.NewValidator().Operator
	m.next(m.Sign(operator, govv1.NewMsgVote(operator.Address(), id, govv1.OptionYes, "")))
	m.run(*gov.Params.VotingPeriod + blockTime)
}
