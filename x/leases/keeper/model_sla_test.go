// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"maps"
	"slices"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	modelStake = 10_000_000
	modelFund  = 5_000
)

// addCollateral gives providers stake that tickets hold, and the SLA fund less than it may be asked for.
func (m *market) addCollateral() {
	m.providers.collateral = 20_000
	require.NoError(m.tb, m.vault.rows.Set(m.ctx, "stake", math.NewInt(modelStake)))
	require.NoError(m.tb, m.vault.rows.Set(m.ctx, "fund/uath", math.NewInt(modelFund)))
}

// queuedBreaches are those that the block's end will settle.
func (m *market) queuedBreaches() int {
	all, err := values(m.ctx, m.k.breaches)
	require.NoError(m.tb, err)
	return len(all)
}

// vest takes what a provider has earned out of a refund's reach.
func (m *market) vest(t *rapid.T) {
	row := provider(rapid.Uint64Range(1, 2).Draw(t, "provider")).String()
	for _, denom := range modelDenoms {
		earned := in("earned/"+row, denom)
		require.NoError(t, m.vault.move(m.ctx, earned, in("bank/"+row, denom), m.vault.get(m.ctx, earned)))
	}
}

// endTicket lets a ticket be paid, run out or be dismissed, whatever has become of the tenant's leases and money.
func (m *market) endTicket(t *rapid.T) {
	open := slices.Sorted(maps.Keys(m.providers.claims))
	if len(open) == 0 {
		t.Skip("no tickets")
	}
	m.world.endTicket(rapid.SampledFrom(open).Draw(t, "ticket"), rapid.Bool().Draw(t, "dismissed"))
}
