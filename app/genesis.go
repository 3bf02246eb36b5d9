// SPDX-License-Identifier: Apache-2.0

package app

import (
	"encoding/json"
	"time"

	cmttypes "github.com/cometbft/cometbft/types"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/x/bank"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	"github.com/cosmos/cosmos-sdk/x/gov"
	govclient "github.com/cosmos/cosmos-sdk/x/gov/client"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	"github.com/cosmos/cosmos-sdk/x/slashing"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	"github.com/cosmos/cosmos-sdk/x/staking"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// GenesisState is a genesis file's app_state: each module's part under its name.
type GenesisState = map[string]json.RawMessage

// genesisOverrides are the modules whose defaults differ from the SDK's.
func genesisOverrides() map[string]module.AppModuleBasic {
	return map[string]module.AppModuleBasic{
		banktypes.ModuleName:     bankGenesis{},
		govtypes.ModuleName:      govGenesis{AppModuleBasic: gov.NewAppModuleBasic([]govclient.ProposalHandler{})},
		slashingtypes.ModuleName: slashingGenesis{},
		stakingtypes.ModuleName:  stakingGenesis{},
		genutiltypes.ModuleName:  genutil.NewAppModuleBasic(genutiltypes.DefaultMessageValidator),
	}
}

type bankGenesis struct{ bank.AppModuleBasic }

// DefaultGenesis tells wallets how to show uath.
func (bankGenesis) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	genesis := banktypes.DefaultGenesisState()
	genesis.DenomMetadata = []banktypes.Metadata{{
		Name:        "ATH",
		Symbol:      athtypes.DisplayDenom,
		Description: "The token of the ATH network: stake, rewards and the money that leases are paid in.",
		Base:        athtypes.Denom,
		Display:     athtypes.DisplayDenom,
		DenomUnits: []*banktypes.DenomUnit{
			{Denom: athtypes.Denom, Exponent: 0},
			{Denom: athtypes.DisplayDenom, Exponent: athtypes.Decimals},
		},
	}}
	return cdc.MustMarshalJSON(genesis)
}

type govGenesis struct{ gov.AppModuleBasic }

// DefaultGenesis asks a deposit that is dear enough to keep spam out of a supply of 42 · 10⁹ ATH: 5,000 ATH, and 25,000 for
// an expedited vote; a tenth of it at submission, so that proposals without any backing cost something.
func (govGenesis) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	genesis := govv1.DefaultGenesisState()
	genesis.Params.MinDeposit = wholeATH(5_000)
	genesis.Params.ExpeditedMinDeposit = wholeATH(25_000)
	genesis.Params.MinInitialDepositRatio = math.LegacyNewDecWithPrec(1, 1).String()
	return cdc.MustMarshalJSON(genesis)
}

type slashingGenesis struct{ slashing.AppModuleBasic }

// DefaultGenesis counts signatures over about 2.8 h of 1 s blocks: the SDK's 100 blocks would jail a validator that restarts.
func (slashingGenesis) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	genesis := slashingtypes.DefaultGenesisState()
	genesis.Params.SignedBlocksWindow = 10_000
	genesis.Params.MinSignedPerWindow = math.LegacyNewDecWithPrec(50, 2)
	genesis.Params.DowntimeJailDuration = 10 * time.Minute
	genesis.Params.SlashFractionDowntime = math.LegacyNewDecWithPrec(1, 4)
	genesis.Params.SlashFractionDoubleSign = math.LegacyNewDecWithPrec(5, 2)
	return cdc.MustMarshalJSON(genesis)
}

type stakingGenesis struct{ staking.AppModuleBasic }

// DefaultGenesis bonds uath, takes at least 5% commission (no race to zero that only the largest survive) and keeps no
// historical headers: nothing reads them since IBC stopped to verify a chain's own consensus state, and each costs a write
// per block.
func (stakingGenesis) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	genesis := stakingtypes.DefaultGenesisState()
	genesis.Params.BondDenom = athtypes.Denom
	genesis.Params.KeyRotationFee = wholeATH(1)[0]
	genesis.Params.HistoricalEntries = 0
	genesis.Params.MinCommissionRate = math.LegacyNewDecWithPrec(5, 2)
	return cdc.MustMarshalJSON(genesis)
}

// wholeATH returns whole ATH as coins.
func wholeATH(amount int64) sdk.Coins {
	unit := math.NewInt(10).ToLegacyDec().Power(athtypes.Decimals).TruncateInt()
	return sdk.NewCoins(sdk.NewCoin(athtypes.Denom, unit.MulRaw(amount)))
}

// BlockLimits bound what a proposer may ask of all others: 4 MiB is about 8,000 transfers, and 400 million gas about four
// seconds of execution on two cores.
func BlockLimits() cmttypes.BlockParams {
	return cmttypes.BlockParams{MaxBytes: 4 << 20, MaxGas: 400_000_000}
}
