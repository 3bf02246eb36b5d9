// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/x/ath/types"
)

// newDAO starts a chain whose vault holds a grant of the DAO.
func newDAO(t require.TestingT, granted int64) *fixture {
	f := newStores(t)
	f.params = shortParams()
	f.open(0)
	bank := banktypes.DefaultGenesisState()
	bank.Balances = []banktypes.Balance{{Address: bech(f.k.account), Coins: sdk.NewCoins(coin(types.Denom, granted))}}
	f.bank.InitGenesis(f.ctx, bank)
	state := types.DefaultGenesis()
	state.Params = f.params
	state.Params.DaoStakersPpm = 250_000
	state.Rows = []types.RowBalance{{Row: types.DAORow(), Amount: math.NewInt(granted)}}
	require.NoError(t, f.k.InitGenesis(f.ctx, state))
	f.close()
	return f
}

// The whole life of a grant: every epoch pays its part and the last one the last uath.
func TestDAOStreamsToStakersAndTreasury(t *testing.T) {
	const granted = 1_000_003
	f := newDAO(t, granted)
	f.unchecked = true // 1,461 epochs; what matters here is checked below
	treasury := types.Row{Kind: types.RowKind_ROW_KIND_TREASURY, Denom: types.Denom}
	require.Equal(t, int64(granted), f.row(types.DAORow()), "nothing before an epoch has ended")
	f.nextEpoch() // 1,000,003 / 1,461 = 684.4…
	require.Equal(t, int64(granted-684), f.row(types.DAORow()))
	require.Equal(t, int64(171), f.balance(feeCollector, types.Denom), "a quarter of it")
	require.Equal(t, int64(513), f.row(treasury))
	for range types.DAOEpochs - 1 {
		require.NoError(t, f.k.checkDAO(f.ctx))
		f.nextEpoch()
	}
	require.Zero(t, f.row(types.DAORow()))
	require.Equal(t, int64(granted), f.balance(feeCollector, types.Denom)+f.row(treasury))
	paid := f.row(treasury)
	f.nextEpoch()
	require.Equal(t, paid, f.row(treasury), "it is over")
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

func TestDAOExportInitExport(t *testing.T) {
	f := newDAO(t, 5_000_000)
	f.nextEpoch()
	f.nextEpoch()
	g := f.reload(t)
	requireSameExport(t, f, g)
	require.Equal(t, int64(5_000_000), export(t, g).DaoGranted.Int64())
	g.close()
	f.nextEpoch()
	g.nextEpoch()
	require.Equal(t, f.row(types.DAORow()), g.row(types.DAORow()))
}

// A chain without the row streams nothing and says nothing.
func TestWithoutDAO(t *testing.T) {
	f := newFixture(t, shortParams())
	f.nextEpoch()
	require.Zero(t, f.balance(feeCollector, types.Denom))
	for _, event := range f.ctx.EventManager().Events() {
		require.NotContains(t, event.Type, "DaoStreamed")
	}
}
