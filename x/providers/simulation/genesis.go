// SPDX-License-Identifier: Apache-2.0

// Package simulation makes states and messages of x/providers by chance.
package simulation

import (
	"math/rand"
	"time"

	"github.com/athnet/ath/x/providers/types"
)

// RandomGenesis is the default catalogue without providers; stake unbonds and tickets run out within minutes.
func RandomGenesis(r *rand.Rand) *types.GenesisState {
	g := types.DefaultGenesis()
	g.Params = RandomParams(r)
	return g
}

// RandomParams are valid ones with short times.
func RandomParams(r *rand.Rand) types.Params {
	p := types.DefaultParams()
	p.StakeCoefficientPpm = uint64(500_000 + r.Intn(1_000_000))
	p.EdgeFactorPpm = uint64(500_000 + r.Intn(1_000_000))
	p.EnterpriseFactorPpm = uint64(1_000_000 + r.Intn(2_000_000))
	p.UnbondingTime = seconds(r, 10, 60)
	p.HeartbeatInterval = seconds(r, 30, 120)
	p.CapacitySuspension = seconds(r, 0, 60)
	p.TicketDeadline = seconds(r, 5, 40)
	p.ContestLimit = seconds(r, 60, 120)
	p.MaxTicketsPerBlock = 1 // so that some wait for a MsgSettleTickets
	p.NotStartedPpm = uint64(r.Intn(types.MaxNotStartedPPM + 1))
	p.ReclaimedPpm = uint64(r.Intn(types.MaxReclaimedPPM + 1))
	return p
}

func seconds(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.Intn(to-from+1)) * time.Second
}
