// SPDX-License-Identifier: Apache-2.0

// Package simulation makes states and messages of x/checks by chance.
package simulation

import (
	"math/rand"
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/x/checks/types"
)

// RandomGenesis is a new network whose rounds take seconds.
func RandomGenesis(r *rand.Rand) *types.GenesisState {
	g := types.DefaultGenesis()
	g.Params = RandomParams(r)
	return g
}

// RandomParams are valid ones with short times.
func RandomParams(r *rand.Rand) types.Params {
	p := types.DefaultParams()
	p.RoundDuration = seconds(r, 8, 15)
	p.SubmitWindowPpm = types.MaxSubmitWindowPPM
	p.CommitteeSize = uint32(1 + r.Intn(3))
	p.LicenceBond = math.NewInt(int64(1 + r.Intn(1_000_000_000)))
	p.UnbondingTime = seconds(r, 5, 60)
	p.BanAfter = uint32(1 + r.Intn(5))
	p.BanWindow = seconds(r, 10, 60)
	p.BanTime = seconds(r, 5, 30)
	p.MaxShardsPerBlock = uint32(1 + r.Intn(3))
	return p
}

func seconds(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.Intn(to-from+1)) * time.Second
}
