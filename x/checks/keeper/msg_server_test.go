// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/keeper"
	"github.com/athnet/ath/x/checks/types"
)

// call routes a message as the app's router does.
func call(ctx sdk.Context, s types.MsgServer, msg sdk.Msg) error {
	var err error
	switch m := msg.(type) {
	case *types.MsgBuyLicences:
		_, err = s.BuyLicences(ctx, m)
	case *types.MsgEndLicences:
		_, err = s.EndLicences(ctx, m)
	case *types.MsgWithdrawBonds:
		_, err = s.WithdrawBonds(ctx, m)
	case *types.MsgTransferLicences:
		_, err = s.TransferLicences(ctx, m)
	case *types.MsgDelegateLicences:
		_, err = s.DelegateLicences(ctx, m)
	case *types.MsgAcceptLicences:
		_, err = s.AcceptLicences(ctx, m)
	case *types.MsgSubmitReport:
		_, err = s.SubmitReport(ctx, m)
	case *types.MsgUpdateParams:
		_, err = s.UpdateParams(ctx, m)
	default:
		panic(msg)
	}
	return err
}

func manyIDs() []uint64 {
	ids := make([]uint64, types.MaxBatch+1)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	return ids
}

// Every message with bad input: a typed error that names the field, and a state that did not change.
func TestLicenceMessagesRefuse(t *testing.T) {
	f := newFixture(t)
	own := f.buy(alice)[0]
	res, err := f.msgs.BuyLicences(f.ctx, &types.MsgBuyLicences{Owner: owner.String(), Count: 2, Operator: bob.String()})
	require.NoError(t, err)
	offered, second := res.Ids[0], res.Ids[1]
	f.endBlock()
	poor := addr("poor").String()
	upper := strings.ToUpper(owner.String())
	params := devParams()
	params.CommitteeSize = 0

	for _, c := range []struct {
		name string
		msg  sdk.Msg
		err  error
		says string
	}{
		{"buy - no owner", &types.MsgBuyLicences{Count: 1}, types.ErrInvalidAddress, "owner"},
		{"buy - foreign owner", &types.MsgBuyLicences{Owner: "cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrujsuw", Count: 1}, types.ErrInvalidAddress, "owner"},
		{"buy - bad operator", &types.MsgBuyLicences{Owner: owner.String(), Count: 1, Operator: "x"}, types.ErrInvalidAddress, "operator"},
		{"buy - none", &types.MsgBuyLicences{Owner: owner.String()}, types.ErrInvalidBatch, "count"},
		{"buy - too many at once", &types.MsgBuyLicences{Owner: owner.String(), Count: 101}, types.ErrInvalidBatch, "count"},
		{"buy - overflow", &types.MsgBuyLicences{Owner: owner.String(), Count: 1<<32 - 1}, types.ErrInvalidBatch, "count"},
		{"buy - poor", &types.MsgBuyLicences{Owner: poor, Count: 1}, errPoor, ""},

		{"end - nothing", &types.MsgEndLicences{Owner: owner.String()}, types.ErrInvalidBatch, "ids"},
		{"end - too many", &types.MsgEndLicences{Owner: owner.String(), Ids: manyIDs()}, types.ErrInvalidBatch, "ids"},
		{"end - twice", &types.MsgEndLicences{Owner: owner.String(), Ids: []uint64{offered, offered}}, types.ErrInvalidBatch, "twice"},
		{"end - unknown", &types.MsgEndLicences{Owner: owner.String(), Ids: []uint64{offered, 99}}, types.ErrLicenceNotFound, "99"},
		{"end - another's", &types.MsgEndLicences{Owner: owner.String(), Ids: []uint64{offered, own}}, types.ErrUnauthorized, "licence 1"},
		{"end - operator", &types.MsgEndLicences{Owner: bob.String(), Ids: []uint64{offered}}, types.ErrUnauthorized, "ids"},
		{"end - bad owner", &types.MsgEndLicences{Owner: "x", Ids: []uint64{offered}}, types.ErrInvalidAddress, "owner"},

		{"withdraw - nothing ripe", &types.MsgWithdrawBonds{Signer: owner.String()}, types.ErrNothingRipe, "owner"},
		{"withdraw - bad signer", &types.MsgWithdrawBonds{}, types.ErrInvalidAddress, "signer"},
		{"withdraw - bad owner", &types.MsgWithdrawBonds{Signer: owner.String(), Owner: "x"}, types.ErrInvalidAddress, "owner"},

		{"transfer - nothing", &types.MsgTransferLicences{Owner: owner.String(), Recipient: bob.String()}, types.ErrInvalidBatch, "ids"},
		{"transfer - no recipient", &types.MsgTransferLicences{Owner: owner.String(), Ids: []uint64{offered}}, types.ErrInvalidAddress, "recipient"},
		{"transfer - to oneself", &types.MsgTransferLicences{Owner: owner.String(), Recipient: upper, Ids: []uint64{offered}}, types.ErrLicenceState, "already"},
		{"transfer - another's", &types.MsgTransferLicences{Owner: bob.String(), Recipient: bob.String(), Ids: []uint64{offered}}, types.ErrUnauthorized, "ids"},
		{"transfer - unknown", &types.MsgTransferLicences{Owner: owner.String(), Recipient: bob.String(), Ids: []uint64{second, 1 << 63}}, types.ErrLicenceNotFound, "id"},

		{"delegate - nothing", &types.MsgDelegateLicences{Owner: owner.String()}, types.ErrInvalidBatch, "ids"},
		{"delegate - bad operator", &types.MsgDelegateLicences{Owner: owner.String(), Operator: "x", Ids: []uint64{offered}}, types.ErrInvalidAddress, "operator"},
		{"delegate - again", &types.MsgDelegateLicences{Owner: owner.String(), Operator: bob.String(), Ids: []uint64{offered}}, types.ErrLicenceState, "already"},
		{"delegate - another's", &types.MsgDelegateLicences{Owner: alice.String(), Operator: bob.String(), Ids: []uint64{offered}}, types.ErrUnauthorized, "ids"},

		{"accept - nothing", &types.MsgAcceptLicences{Operator: bob.String()}, types.ErrInvalidBatch, "ids"},
		{"accept - another's", &types.MsgAcceptLicences{Operator: alice.String(), Ids: []uint64{offered}}, types.ErrUnauthorized, "not offered"},
		{"accept - active", &types.MsgAcceptLicences{Operator: alice.String(), Ids: []uint64{own}}, types.ErrLicenceState, "active"},
		{"accept - unknown", &types.MsgAcceptLicences{Operator: bob.String(), Ids: []uint64{offered, 77}}, types.ErrLicenceNotFound, "77"},
		{"accept - bad operator", &types.MsgAcceptLicences{Operator: "x", Ids: []uint64{offered}}, types.ErrInvalidAddress, "operator"},

		{"params - stranger", &types.MsgUpdateParams{Authority: stranger.String(), Params: devParams()}, types.ErrUnauthorized, "authority"},
		{"params - out of bounds", &types.MsgUpdateParams{Authority: authority.String(), Params: params}, types.ErrInvalidParams, "committee_size"},
		{"params - unset", &types.MsgUpdateParams{Authority: authority.String()}, types.ErrInvalidParams, "licence_bond"},
	} {
		t.Run("error - "+c.name, func(t *testing.T) {
			before := f.snapshot()
			err := f.tx(func(ctx sdk.Context) error { return call(ctx, f.msgs, c.msg) })
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, before, f.snapshot())
		})
	}
}

func TestLicenceCapIsKept(t *testing.T) {
	f := newFixture(t)
	params := devParams()
	params.MaxLicences = 3
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgUpdateParams{Authority: authority.String(), Params: params}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: owner.String(), Count: 3}))
	require.ErrorIs(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: owner.String(), Count: 1}), types.ErrTooManyLicences)
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgEndLicences{Owner: owner.String(), Ids: []uint64{2}}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: owner.String(), Count: 1}))
	require.Equal(t, uint64(4), f.licence(4).Id, "ids are never used again")
}

// The bond follows the licence: bought, transferred, ended, and paid to its owner once it is ripe, at the size it was paid in.
func TestBondFollowsLicence(t *testing.T) {
	f := newFixture(t)
	total := f.vault.total()
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: owner.String(), Count: 2}))
	params := devParams()
	params.LicenceBond = math.NewInt(5 * bond)
	require.NoError(t, f.k.SetParams(f.ctx, params))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgTransferLicences{Owner: owner.String(), Recipient: stranger.String(), Ids: []uint64{2}}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgEndLicences{Owner: owner.String(), Ids: []uint64{1}}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgEndLicences{Owner: stranger.String(), Ids: []uint64{2}}))
	ripe := start.Add(params.UnbondingTime)
	require.Equal(t, math.NewInt(bond), amountOf(f.vault.rows, athtypes.Row{
		Kind: athtypes.RowKind_ROW_KIND_LICENCE_UNBONDING, Owner: owner.String(), Bucket: uint64(ripe.Unix()) + 1, Denom: athtypes.Denom,
	}), "the second is rounded up")

	f.ctx = f.ctx.WithBlockTime(ripe)
	require.ErrorIs(t, f.tx(func(ctx sdk.Context) error {
		return call(ctx, f.msgs, &types.MsgWithdrawBonds{Signer: owner.String()})
	}), types.ErrNothingRipe)
	f.ctx = f.ctx.WithBlockTime(ripe.Add(time.Second))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgWithdrawBonds{Signer: bob.String(), Owner: owner.String()}))
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgWithdrawBonds{Signer: stranger.String()}))
	require.Equal(t, math.NewInt(capital-bond), f.vault.bank[owner.String()], "the transferred bond is the new owner's")
	require.Equal(t, math.NewInt(capital+bond), f.vault.bank[stranger.String()])
	require.Equal(t, total, f.vault.total())
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

// Upper-case bech32 names the same account; it must not be stored as another.
func TestAddressesAreStoredInOneForm(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, call(f.ctx, f.msgs, &types.MsgBuyLicences{Owner: strings.ToUpper(alice.String()), Count: 1, Operator: strings.ToUpper(alice.String())}))
	l := f.licence(1)
	require.Equal(t, alice.String(), l.Owner)
	require.Equal(t, types.LicenceState_LICENCE_STATE_ACTIVE, l.State)
}

// reportSetup brings alice, bob and carol to the submit window of round 4, with sealed reports of round 3.
func reportSetup(t *testing.T) (*fixture, []*checker) {
	f := newFixture(t)
	f.buy(alice, bob, carol)
	f.providers.register(1, 513)
	checkers := crew(alice, bob, carol)
	f.endBlock()
	for f.running().Number < 4 {
		f.playRound(checkers...)
	}
	r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
	require.NoError(t, err)
	f.ctx = f.ctx.WithBlockTime(r.SubmitFrom)
	return f, checkers
}

func TestSubmitReportRefuses(t *testing.T) {
	f, checkers := reportSetup(t)
	genuine := checkers[0].sealed[3]
	hash := bytes.Repeat([]byte{7}, 32)
	shard := genuine.Shards[0]
	with := func(change func(*types.MsgSubmitReport)) *types.MsgSubmitReport {
		r := genuine
		m := &types.MsgSubmitReport{Operator: alice.String(), Round: 4, Commit: hash, Reveal: &r, Salt: salt}
		change(m)
		return m
	}
	late := f.ctx.BlockTime()

	for _, c := range []struct {
		name string
		msg  *types.MsgSubmitReport
		err  error
		says string
	}{
		{"bad operator", with(func(m *types.MsgSubmitReport) { m.Operator = "x" }), types.ErrInvalidAddress, "operator"},
		{"nothing in it", with(func(m *types.MsgSubmitReport) { m.Commit, m.Reveal, m.Salt = nil, nil, nil }), types.ErrInvalidReport, "both are missing"},
		{"short commit", with(func(m *types.MsgSubmitReport) { m.Commit = hash[1:] }), types.ErrInvalidReport, "commit"},
		{"long commit", with(func(m *types.MsgSubmitReport) { m.Commit = append(hash[:32:32], 1) }), types.ErrInvalidReport, "commit"},
		{"short salt", with(func(m *types.MsgSubmitReport) { m.Salt = salt[1:] }), types.ErrInvalidReport, "salt"},
		{"salt without reveal", with(func(m *types.MsgSubmitReport) { m.Reveal = nil }), types.ErrInvalidReport, "salt"},
		{"empty reveal", with(func(m *types.MsgSubmitReport) { m.Reveal = &types.Report{} }), types.ErrInvalidReport, "shards"},
		{"oversized bitmap", with(func(m *types.MsgSubmitReport) {
			m.Reveal.Shards = []types.ShardReport{{Healthy: bytes.Repeat([]byte{1}, 1<<16), EvidenceRoot: salt}}
		}), types.ErrInvalidReport, "healthy"},
		{"too many shards", with(func(m *types.MsgSubmitReport) { m.Reveal.Shards = make([]types.ShardReport, 5000) }), types.ErrInvalidReport, "shards"},
		{"round zero", with(func(m *types.MsgSubmitReport) { m.Round = 0 }), types.ErrWrongRound, "round"},
		{"last round", with(func(m *types.MsgSubmitReport) { m.Round = 3 }), types.ErrWrongRound, "4 runs"},
		{"next round", with(func(m *types.MsgSubmitReport) { m.Round = 5 }), types.ErrWrongRound, "round"},
		{"another salt", with(func(m *types.MsgSubmitReport) { m.Salt = hash }), types.ErrCommitMismatch, "reveal"},
		{"another report", with(func(m *types.MsgSubmitReport) { m.Reveal.Shards = []types.ShardReport{shard} }), types.ErrCommitMismatch, "reveal"},
		{"another's report", with(func(m *types.MsgSubmitReport) { m.Operator = bob.String(); m.Salt = hash }), types.ErrCommitMismatch, "reveal"},
		{"reveal without commit", with(func(m *types.MsgSubmitReport) { m.Operator = stranger.String(); m.Commit = nil }), types.ErrNoCommit, "reveal"},
		{"commit without seat", with(func(m *types.MsgSubmitReport) { m.Operator = stranger.String(); m.Reveal, m.Salt = nil, nil }), types.ErrNoSeat, "commit"},
	} {
		t.Run("error - "+c.name, func(t *testing.T) {
			before := f.snapshot()
			err := f.tx(func(ctx sdk.Context) error { return call(ctx, f.msgs, c.msg) })
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, before, f.snapshot())
		})
	}

	f.ctx = f.ctx.WithBlockTime(late.Add(-time.Nanosecond))
	require.ErrorIs(t, call(f.ctx, f.msgs, with(func(*types.MsgSubmitReport) {})), types.ErrWindowClosed)
	f.ctx = f.ctx.WithBlockTime(late)
	require.NoError(t, call(f.ctx, f.msgs, with(func(*types.MsgSubmitReport) {})))
	before := f.snapshot()
	require.ErrorIs(t, call(f.ctx, f.msgs, with(func(m *types.MsgSubmitReport) { m.Commit = nil })), types.ErrAlreadySubmitted, "replayed reveal")
	require.ErrorIs(t, call(f.ctx, f.msgs, with(func(m *types.MsgSubmitReport) { m.Reveal, m.Salt = nil, nil })), types.ErrAlreadySubmitted, "replayed commit")
	require.Equal(t, before, f.snapshot())
}

// A report on a shard for which its operator was not drawn can be sealed, but not opened.
func TestRevealNeedsTheDraw(t *testing.T) {
	for shard, want := range map[uint64]error{0: types.ErrNotDrawn, 9: types.ErrShardNotFound} {
		f := newFixture(t)
		f.buy(alice, bob, carol)
		params := devParams()
		params.CommitteeSize = 1
		require.NoError(t, f.k.SetParams(f.ctx, params))
		f.providers.register(1)
		f.endBlock()
		committee, err := f.queries.Committee(f.ctx, &types.QueryCommitteeRequest{Round: 1})
		require.NoError(t, err)
		outsider := alice
		if committee.Members[0].Operator == alice.String() {
			outsider = bob
		}
		report := types.Report{Shards: []types.ShardReport{{Shard: shard, EvidenceRoot: salt}}}
		f.ctx = f.ctx.WithBlockTime(start.Add(3 * time.Second))
		require.NoError(t, f.k.SubmitReport(f.ctx, outsider, keeper.Submission{
			Round: 1, Commit: types.CommitHash(chainID, outsider.String(), 1, report, salt),
		}))
		f.playRound()
		f.ctx = f.ctx.WithBlockTime(f.running().Start.Add(3 * time.Second))
		before := f.snapshot()
		require.ErrorIs(t, f.k.SubmitReport(f.ctx, outsider, keeper.Submission{Round: 2, Reveal: &report, Salt: salt}), want)
		require.Equal(t, before, f.snapshot())
	}
}
