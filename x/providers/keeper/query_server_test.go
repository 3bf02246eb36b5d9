// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/athnet/ath/x/providers/types"
)

func TestQueries(t *testing.T) {
	f := newFixture(t)
	ids := f.ready(t, 5)
	_, err := f.msgs.RegisterProvider(f.ctx, &types.MsgRegisterProvider{Owner: stranger.String(), Tier: types.Tier_TIER_EDGE})
	require.NoError(t, err)
	_, err = f.msgs.RegisterContainers(f.ctx, &types.MsgRegisterContainers{
		Owner: stranger.String(), MaxStake: math.NewInt(capital), Containers: consented(stranger, 99),
	})
	require.NoError(t, err)

	all, err := f.queries.Containers(f.ctx, &types.QueryContainersRequest{})
	require.NoError(t, err)
	require.Len(t, all.Containers, 6)

	page, err := f.queries.Containers(f.ctx, &types.QueryContainersRequest{
		Provider: owner.String(), Pagination: &query.PageRequest{Limit: 3},
	})
	require.NoError(t, err)
	require.Len(t, page.Containers, 3)
	rest, err := f.queries.Containers(f.ctx, &types.QueryContainersRequest{
		Provider: owner.String(), Pagination: &query.PageRequest{Key: page.Pagination.NextKey, Limit: 1 << 40},
	})
	require.NoError(t, err)
	require.Len(t, rest.Containers, 2)
	require.Equal(t, ids[4], rest.Containers[1].Container.Id)

	one, err := f.queries.Container(f.ctx, &types.QueryContainerRequest{Id: ids[0]})
	require.NoError(t, err)
	require.Equal(t, page.Containers[0], one.Container)
	require.EqualValues(t, 10_000_000, one.Container.Stake.Int64())
	require.Equal(t, f.ctx.BlockTime(), one.Container.LastSeen)

	providers, err := f.queries.Providers(f.ctx, &types.QueryProvidersRequest{})
	require.NoError(t, err)
	require.Len(t, providers.Providers, 2)
	provider, err := f.queries.Provider(f.ctx, &types.QueryProviderRequest{Owner: owner.String()})
	require.NoError(t, err)
	require.EqualValues(t, 5, provider.Provider.Containers)

	classes, err := f.queries.Classes(f.ctx, &types.QueryClassesRequest{})
	require.NoError(t, err)
	require.Equal(t, types.DefaultClasses(), classes.Classes)
	shard, err := f.queries.Shard(f.ctx, &types.QueryShardRequest{})
	require.NoError(t, err)
	require.Equal(t, types.BitmapOf(ids...), types.Bitmap(shard.Health.Members))
	params, err := f.queries.Params(f.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, types.DefaultParams(), params.Params)
}

func TestQueriesOfWhatIsNot(t *testing.T) {
	f := newFixture(t)
	for name, ask := range map[string]struct {
		code codes.Code
		do   func() error
	}{
		"provider": {codes.NotFound, func() error {
			_, err := f.queries.Provider(f.ctx, &types.QueryProviderRequest{Owner: owner.String()})
			return err
		}},
		"owner":     {codes.InvalidArgument, func() error { _, err := f.queries.Provider(f.ctx, &types.QueryProviderRequest{Owner: "x"}); return err }},
		"container": {codes.NotFound, func() error { _, err := f.queries.Container(f.ctx, &types.QueryContainerRequest{Id: 1}); return err }},
		"containers": {codes.InvalidArgument, func() error {
			_, err := f.queries.Containers(f.ctx, &types.QueryContainersRequest{Provider: "x"})
			return err
		}},
		"stake of class": {codes.NotFound, func() error {
			_, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "x", Tier: 1, Count: 1})
			return err
		}},
		"stake of tier": {codes.InvalidArgument, func() error {
			_, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "cpu", Count: 1})
			return err
		}},
		"stake of count": {codes.InvalidArgument, func() error {
			_, err := f.queries.Stake(f.ctx, &types.QueryStakeRequest{Class: "cpu", Tier: 1})
			return err
		}},
	} {
		require.Equal(t, ask.code, status.Code(ask.do()), name)
	}
}
