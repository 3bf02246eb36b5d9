// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"testing"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/testutil/sims"
	"github.com/cosmos/cosmos-sdk/testutil/simsx"
	simtypes "github.com/cosmos/cosmos-sdk/types/simulation"
	simcli "github.com/cosmos/cosmos-sdk/x/simulation/client/cli"

	"github.com/athnet/ath/app"
)

func init() { simcli.GetSimulatorFlags() }

// TestSimulation lets random users of the SDK's modules loose on the whole application and checks ours afterwards.
// -NumBlocks, -BlockSize and -Seed make it longer or another one.
func TestSimulation(t *testing.T) {
	config := simcli.NewConfigFromFlags()
	config.ChainID = simsx.SimAppChainID
	config.NumBlocks, config.BlockSize = min(config.NumBlocks, 30), min(config.BlockSize, 30)
	simsx.RunWithSeed(t, config, app.New, simulated, config.Seed, nil,
		func(t testing.TB, run simsx.TestInstance[*app.App], _ []simtypes.Account) {
			ctx := run.App.NewUncachedContext(true, cmtproto.Header{Height: run.App.LastBlockHeight()}) //nolint:staticcheck // the committed state, as it is
			require.NoError(t, run.App.CheckInvariants(ctx))
		})
}

func simulated(a *app.App) simsx.SimStateFactory {
	return simsx.SimStateFactory{
		Codec:         a.AppCodec(),
		AppStateFn:    sims.AppStateFn(a.AppCodec(), a.SimulationManager(), a.DefaultGenesis()),
		BlockedAddr:   app.BlockedAddresses(),
		AccountSource: a.Account,
		BalanceSource: a.Bank,
	}
}
