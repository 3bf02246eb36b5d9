// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// TestGenesisRoundTrip: a chain in the middle of everything (a running lease, a fault, sealed reports, vesting and exiting
// income, bars, unbonding stake, slash tickets, beacon keys, a price and its index) is exported and started again from the
// file: the same bytes come out of it, and the market goes on.
func TestGenesisRoundTrip(t *testing.T) {
	votes := shadow.WithVotes(func(int64) []byte { return says(t, 30_000_000) })
	m := newMarket(t, []shadow.Twin{shadow.Plain()}, votes)
	for range 3 { // the index is stepped hourly
		m.Block(61 * time.Minute)
	}
	m.open(3)
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	m.run(70 * time.Second)
	m.broken[m.ids[2]] = true
	m.run(20 * time.Second)
	m.next(m.use(id, m.Now().Add(-2*time.Second), m.Now()))
	m.everything(id)

	first := m.export()
	restarted := shadow.Resume(t, []shadow.Twin{shadow.Plain()}, first.AppState, first.Height, m.Now(), votes)
	// The first block of the new chain is made without transactions at the time of the old one's last: nothing falls due.
	require.Equal(t, m.Height()+1, restarted.Height())
	require.NoError(t, restarted.App().CheckInvariants(restarted.Context()))

	imported := importOnly(t, first.AppState, first.Height, m.Now())
	var before, after app.GenesisState
	require.NoError(t, json.Unmarshal(first.AppState, &before))
	require.NoError(t, json.Unmarshal(imported, &after))
	for _, module := range []string{"ath", "providers", "leases", "checks"} {
		require.Equal(t, string(before[module]), string(after[module]), "x/%s", module)
	}

	m.Chain = restarted
	m.run(30 * time.Second)
	res := m.next(m.use(id, m.Now().Add(-time.Second), m.Now()), m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id}))
	receipt := answer[leasestypes.MsgCloseLeaseResponse](t, res.TxResults[1]).Receipt
	require.Equal(t, price(receipt.EndedAt.Sub(*receipt.StartedAt)).String(), receipt.Billed.String(), "billed across the restart")
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
	m.next(m.Sign(m.owner, &providerstypes.MsgRetireContainers{Owner: m.owner.String(), Ids: m.ids[1:2]}),
		m.Sign(m.tenant, &leasestypes.MsgSettle{Signer: m.tenant.String(), LeaseIds: []string{lease}}))
	m.ids = slices.Delete(m.ids, 1, 2)

	ath, err := m.App().Ath.ExportGenesis(m.Context())
	require.NoError(m.t, err)
	providers, err := m.App().Providers.ExportGenesis(m.Context())
	require.NoError(m.t, err)
	kinds := make(map[athtypes.RowKind]bool)
	for _, row := range ath.Rows {
		kinds[row.Row.Kind] = true
	}
	for _, kind := range []athtypes.RowKind{
		athtypes.RowKind_ROW_KIND_STAKE, athtypes.RowKind_ROW_KIND_UNBONDING, athtypes.RowKind_ROW_KIND_HELD,
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
	require.NotEmpty(m.t, providers.Tickets)
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
	var gov govv1.QueryParamsResponse
	m.Query("/cosmos.gov.v1.Query/Params", &govv1.QueryParamsRequest{}, &gov)
	propose, err := govv1.NewMsgSubmitProposal([]sdk.Msg{open}, gov.Params.MinDeposit, m.tenant.String(), "", "damage", "damage", false)
	require.NoError(m.t, err)
	res := m.next(m.Sign(m.tenant, propose))
	id := answer[govv1.MsgSubmitProposalResponse](m.t, res.TxResults[0]).ProposalId
	operator := gen.NewValidator().Operator
	m.next(m.Sign(operator, govv1.NewMsgVote(operator.Address(), id, govv1.OptionYes, "")))
	m.run(*gov.Params.VotingPeriod + blockTime)
}
