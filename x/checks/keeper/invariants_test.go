// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/checks/types"
)

func TestInvariantNoticesMissingBond(t *testing.T) {
	f := newFixture(t)
	f.buy(alice, bob)
	f.endBlock()
	clear(f.vault.rows)
	require.ErrorIs(t, f.k.CheckInvariants(f.ctx), types.ErrInvariant)
}

// A genesis that validates alone may still seat a licence that does not want it.
func TestInvariantNoticesStraySeat(t *testing.T) {
	f := newFixture(t)
	ids := f.buy(alice, bob)
	f.endBlock()
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	for i := range g.Licences {
		if g.Licences[i].Id == ids[0] {
			g.Licences[i], err = g.Licences[i].TakeBack()
			require.NoError(t, err)
		}
	}
	again := newFixtureFrom(t, *g, f.ctx.BlockTime())
	again.vault.rows = f.vault.rows
	require.ErrorIs(t, again.k.CheckInvariants(again.ctx), types.ErrInvariant)
}
