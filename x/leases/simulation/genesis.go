// SPDX-License-Identifier: Apache-2.0

// Package simulation makes states and messages of x/leases by chance.
package simulation

import (
	"math/rand"
	"time"

	"github.com/athnet/ath/x/leases/types"
)

// RandomGenesis is a market without offers.
func RandomGenesis(r *rand.Rand) *types.GenesisState {
	g := types.DefaultGenesis()
	g.Params = RandomParams(r)
	return g
}

// RandomParams are valid ones with short times.
func RandomParams(r *rand.Rand) types.Params {
	p := types.DefaultParams()
	p.MinCharge = time.Duration(r.Intn(20)) * time.Second
	p.MinRunway = p.MinCharge + time.Duration(r.Intn(20))*time.Second
	p.MaxClosesPerBlock = uint32(1 + r.Intn(5)) // so that queues wait for the next block
	p.MaxScan = uint32(1 + r.Intn(100))
	p.ReclaimNotice = time.Duration(1+r.Intn(60)) * time.Second
	p.ReclaimNoticeReserved = time.Duration(1+r.Intn(300)) * time.Second
	p.ReclaimCap = time.Duration(r.Intn(3_600)) * time.Second
	p.MaxUsageBatch = uint32(1 + r.Intn(100))
	p.MinChannelCap = uint64(1 + r.Intn(50_000))
	p.MinForeignDeposit = uint64(1 + r.Intn(100_000))
	p.MaxVouchers = uint32(2 + r.Intn(10))
	p.MaxChannelEndsPerBlock = uint32(1 + r.Intn(3))
	return p
}
