// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/checks/types"
)

// The bonus counts correct tasks of a quarter while more than 95% are; whoever passes a licence on or ends it passes that on
// or gives it up.
func TestBonusFollowsUptime(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice)
	worker := &checker{operator: alice}
	f.providers.register(1, 2, 3)
	f.endBlock()
	for range 12 {
		f.playRound(worker)
	}
	uptime := func() types.Uptime {
		res, err := f.queries.Licence(f.ctx, &types.QueryLicenceRequest{Id: ids[0]})
		require.NoError(t, err)
		return res.Uptime
	}
	require.Greater(t, uptime().Correct, uint64(3))
	require.Equal(t, f.vault.bonus[alice.String()], int64(uptime().Correct))
	require.Equal(t, uptime().Tasks, uptime().Correct)

	f.vault.quarter, f.vault.bonus = 182, map[string]int64{} // the next quarter counts anew
	f.playRound(worker)
	f.playRound(worker)
	require.Equal(t, types.Uptime{Licence: ids[0], Quarter: 182, Tasks: 2, Correct: 2, Credited: 2}, uptime())
	require.NoError(t, f.k.TransferLicences(f.ctx, alice, bob, ids))
	require.Equal(t, map[string]int64{bob.String(): 2}, f.vault.bonus)
	require.NoError(t, f.k.EndLicences(f.ctx, bob, ids))
	require.Empty(t, f.vault.bonus)
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	require.Empty(t, g.Uptimes)
}
