// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/types"
)

func TestQueryLicences(t *testing.T) {
	f := newFixture(t)
	for _, b := range []struct{ owner, operator sdk.AccAddress }{{alice, alice}, {owner, alice}, {owner, bob}, {owner, nil}, {bob, alice}} {
		operator := ""
		if b.operator != nil {
			operator = b.operator.String()
		}
		_, err := f.msgs.BuyLicences(f.ctx, &types.MsgBuyLicences{Owner: b.owner.String(), Count: 1, Operator: operator})
		require.NoError(t, err)
	}
	for _, c := range []struct {
		name string
		req  types.QueryLicencesRequest
		want []uint64
	}{
		{"all", types.QueryLicencesRequest{}, []uint64{1, 2, 3, 4, 5}},
		{"owner", types.QueryLicencesRequest{Owner: owner.String()}, []uint64{2, 3, 4}},
		{"operator", types.QueryLicencesRequest{Operator: alice.String()}, []uint64{1, 2, 5}},
		{"both", types.QueryLicencesRequest{Owner: owner.String(), Operator: alice.String()}, []uint64{2}},
		{"nobody", types.QueryLicencesRequest{Owner: carol.String()}, nil},
		{"page", types.QueryLicencesRequest{Pagination: &query.PageRequest{Offset: 1, Limit: 2}}, []uint64{2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := f.queries.Licences(f.ctx, &c.req)
			require.NoError(t, err)
			var ids []uint64
			for _, l := range res.Licences {
				ids = append(ids, l.Id)
			}
			require.Equal(t, c.want, ids)
		})
	}
	_, err := f.queries.Licences(f.ctx, &types.QueryLicencesRequest{Owner: "x"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	_, err = f.queries.Licence(f.ctx, &types.QueryLicenceRequest{Id: 99})
	require.Equal(t, codes.NotFound, status.Code(err))
}

func TestQueryRound(t *testing.T) {
	f := newFixture(t)
	_, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: alice.String()})
	require.Equal(t, codes.Unavailable, status.Code(err))
	f.endBlock()
	r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
	require.NoError(t, err)
	require.Equal(t, uint64(1), r.Round.Number)
	require.True(t, r.EndsAt.Equal(start.Add(devParams().RoundDuration)))
	require.True(t, r.SubmitFrom.Equal(start.Add(devParams().RoundDuration/2)))
	p, err := f.queries.Params(f.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, devParams(), p.Params)
}

func TestQueryAssignmentAndCommittee(t *testing.T) {
	f, checkers := reportSetup(t)
	a, err := f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: alice.String()})
	require.NoError(t, err)
	require.Equal(t, uint64(4), a.Round)
	require.True(t, a.Complete)
	require.True(t, a.OwesReveal)
	require.False(t, a.Committed)
	require.Len(t, a.Shards, 2)
	require.Equal(t, []byte{2}, a.Shards[1].Members)
	require.NoError(t, checkers[0].submit(f))
	a, err = f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: alice.String()})
	require.NoError(t, err)
	require.False(t, a.OwesReveal)
	require.True(t, a.Committed)

	a, err = f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: stranger.String()})
	require.NoError(t, err)
	require.Empty(t, a.Shards)
	for _, bad := range []string{"", "x"} {
		_, err = f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: bad})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}

	for _, round := range []uint64{2, 3, 4} {
		c, err := f.queries.Committee(f.ctx, &types.QueryCommitteeRequest{Round: round, Shard: 1})
		require.NoError(t, err)
		require.Len(t, c.Members, 3)
		require.Equal(t, uint32(3), c.Quorum)
	}
	for _, c := range []types.QueryCommitteeRequest{{Round: 0}, {Round: 1}, {Round: 5}, {Round: 4, Shard: 2}} {
		_, err := f.queries.Committee(f.ctx, &c)
		require.Equal(t, codes.NotFound, status.Code(err), "round %d shard %d", c.Round, c.Shard)
	}
}

// 1,000 ATH a year are for the seats; idle licences have none. Before there is a seat nobody earns.
func TestQueryApr(t *testing.T) {
	f := newFixture(t)
	apr := func() *types.QueryAprResponse {
		res, err := f.queries.Apr(f.ctx, &types.QueryAprRequest{})
		require.NoError(t, err)
		return res
	}
	require.Equal(t, athtypes.NoApr(), apr().Apr)
	require.True(t, apr().SeatPerYear.IsZero())
	for operator, count := range map[string]uint32{alice.String(): 3, "": 2} {
		_, err := f.msgs.BuyLicences(f.ctx, &types.MsgBuyLicences{Owner: alice.String(), Count: count, Operator: operator})
		require.NoError(t, err)
	}
	f.endBlock()
	res := apr()
	require.Equal(t, uint64(5), res.Licences)
	require.Equal(t, uint64(3), res.Seats)
	require.Equal(t, "700000000", res.BasePerYear.String())
	require.Equal(t, "300000000", res.BonusPerYear.String())
	require.Equal(t, "333333333", res.SeatPerYear.String())
	require.Equal(t, devParams().LicenceBond, res.Bond)
	require.Equal(t, athtypes.Apr{Available: true, Ppm: res.SeatPerYear.MulRaw(1_000_000).Quo(res.Bond)}, res.Apr)
	onDefaultBond := types.NewApr(res.BasePerYear, res.BonusPerYear, 5, 3, types.DefaultParams().LicenceBond)
	require.Equal(t, athtypes.Apr{Available: true, Ppm: math.NewInt(333_333)}, onDefaultBond.Apr)
}
