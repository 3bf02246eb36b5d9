// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"crypto/sha256"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// trader deals on the real keepers of all modules, while Containers fail and come back.
type trader struct {
	*world
	denom   string // of prices and payments
	round   uint64
	leases  []string
	down    map[uint64]time.Time      // Containers that are faulty, since when
	outages map[uint64][][2]time.Time // faults that are over
}

func (m *trader) start(id string) {
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(m.t, err)
	lease, err := m.Leases.Lease(m.ctx, parsed)
	if err != nil || lease.UsageSequence > 0 {
		return
	}
	image := sha256.Sum256([]byte("image"))
	record := leasestypes.UsageRecord{
		LeaseId: id, Sequence: 1, From: m.ctx.BlockTime(), Until: m.ctx.BlockTime(), ImageDigest: image[:], BlockHeight: m.height - 1, BlockHash: image[:],
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(m.owner.String()), record.SignBytes(shadow.ChainID))
	_ = m.send(&leasestypes.MsgSubmitUsage{Operator: m.owner.String(), Records: []leasestypes.UsageRecord{record}})
}

func (m *trader) wait(d time.Duration) {
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
	m.open(d)
	m.beat()
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
}

// judge turns a Container from healthy to faulty since two rounds ago, or back.
func (m *trader) judge(id uint64) {
	m.wait(2 * roundLength)
	m.round++
	require.NoError(m.t, m.Ath.Fold(m.ctx))
	since, fell := m.down[id]
	var healthy, faulty []uint64
	for _, one := range m.live {
		if _, down := m.down[one]; down == (one == id) {
			healthy = append(healthy, one)
		} else {
			faulty = append(faulty, one)
		}
	}
	m.verdict(m.round, true, healthy, nil, faulty)
	if fell {
		delete(m.down, id)
		m.outages[id] = append(m.outages[id], [2]time.Time{since, m.ctx.BlockTime()})
		require.NoError(m.t, m.Leases.Recovered(m.ctx, id))
	} else {
		m.down[id] = m.ctx.BlockTime().Add(-2 * roundLength)
		require.NoError(m.t, m.Leases.Fault(m.ctx, id, m.down[id]))
	}
	require.NoError(m.t, m.Leases.EndBlock(m.ctx))
	m.fold()
}

// income is what the provider has of all that was paid: its fees, of which none has vested, and the service fee, of which none was distributed. Fees
// that a ticket holds were income before.
func (m *trader) income() math.Int {
	state, err := m.Ath.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	sum := math.ZeroInt()
	for _, r := range state.Rows {
		if r.Row.Denom == m.denom && (r.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES || r.Row.Kind == athtypes.RowKind_ROW_KIND_FEES_PENDING) {
			sum = sum.Add(r.Amount)
		}
	}
	suppliers, err := m.Providers.ExportGenesis(m.ctx)
	require.NoError(m.t, err)
	for _, ticket := range suppliers.Tickets {
		for _, r := range ticket.Sources {
			if r.Row.Denom == m.denom && r.Row.Kind == athtypes.RowKind_ROW_KIND_VESTING_FEES {
				sum = sum.Add(r.Amount)
			}
		}
	}
	return sum
}
