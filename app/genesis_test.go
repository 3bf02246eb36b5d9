// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// TestGenesisRoundTrip: a chain in the middle of everything (a running lease, a fault, sealed reports, vesting income) is
// exported and started again from the file: the same bytes come out of it, and the market goes on.
func TestGenesisRoundTrip(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(3)
	id, _ := m.rent(m.tenant, gen.ATH(10), 0)
	m.run(70 * time.Second)
	m.broken[m.ids[2]] = true
	m.run(20 * time.Second)
	m.next(m.use(id, m.Now().Add(-2*time.Second), m.Now()))

	first := m.export()
	restarted := shadow.Resume(t, []shadow.Twin{shadow.Plain()}, first.AppState, first.Height, m.Now())
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
