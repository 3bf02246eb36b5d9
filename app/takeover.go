// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/math"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// errExtended: a network's votes carry extensions.
var errExtended = errors.New("validators extend their votes")

// TakeOver makes one validator, whose consensus key is at hand, the only one: a copy of a network's state becomes a test
// network. Its operator bonds 1 ATH of its own, so that no coin is invented; where the key is that of a validator already,
// that one stays. It is called once, on a loaded state, before the first block. A network whose votes are extended can't be taken over.
func (app *App) TakeOver(operator sdk.ValAddress, key cryptotypes.PubKey) error {
	last, err := app.LastBlock()
	if err != nil {
		return err
	}
	ctx := app.NewUncachedContext(false, last) //nolint:staticcheck // the state itself is meant, not a cache over it
	ctx = ctx.WithConsensusParams(app.GetConsensusParams(ctx))
	// CometBFT goes on from the extended commit of the last block, which the SDK's command leaves as the old validators signed it.
	if enabled := ctx.ConsensusParams().Abci.GetVoteExtensionsEnableHeight(); enabled > 0 && enabled <= last.Height {
		return fmt.Errorf("%w since height %d: no node can go on from this state with another validator; start a network from `athd export`",
			errExtended, enabled)
	}
	consensus := sdk.GetConsAddress(key)
	_, err = app.Staking.GetValidatorByConsAddr(ctx, consensus)
	known := err == nil
	if err != nil && !errors.Is(err, stakingtypes.ErrNoValidatorFound) {
		return err
	}
	if err := app.dismissValidators(ctx, consensus); err != nil {
		return fmt.Errorf("dismiss validators: %w", err)
	}
	if known {
		return nil
	}
	if err := app.createValidator(ctx, operator, key); err != nil {
		return fmt.Errorf("make %s a validator (does it hold 1 ATH?): %w", operator, err)
	}
	// Staking gives a validator its signing info when it is bonded, at the end of a block that it signs already.
	info := slashingtypes.NewValidatorSigningInfo(consensus, last.Height, 0, time.Unix(0, 0).UTC(), false, 0)
	return app.Slashing.SetValidatorSigningInfo(ctx, consensus, info)
}

// dismissValidators jails all bonded validators but one, at once and without the queues of unbonding. CometBFT's own list has
// been replaced already, so none of them may appear in an update of it.
func (app *App) dismissValidators(ctx sdk.Context, keep sdk.ConsAddress) error {
	validators, err := app.Staking.GetBondedValidatorsByPower(ctx)
	if err != nil {
		return err
	}
	for _, v := range validators {
		address, err := v.GetConsAddr()
		if err != nil {
			return err
		}
		operator, err := ValidatorAddresses.StringToBytes(v.OperatorAddress)
		if err != nil {
			return err
		}
		// Also for the one that stays: an update must tell CometBFT its real power.
		if err := app.Staking.DeleteLastValidatorPower(ctx, operator); err != nil {
			return err
		}
		if keep.Equals(sdk.ConsAddress(address)) {
			continue
		}
		if err := app.Staking.DeleteValidatorByPowerIndex(ctx, v); err != nil {
			return err
		}
		coins := sdk.NewCoins(sdk.NewCoin(athtypes.Denom, v.Tokens))
		if err := app.Bank.SendCoinsFromModuleToModule(ctx, stakingtypes.BondedPoolName, stakingtypes.NotBondedPoolName, coins); err != nil {
			return err
		}
		v.Status, v.Jailed = stakingtypes.Unbonded, true
		if err := app.Staking.SetValidator(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

func (app *App) createValidator(ctx sdk.Context, operator sdk.ValAddress, key cryptotypes.PubKey) error {
	packed, err := codectypes.NewAnyWithValue(key)
	if err != nil {
		return err
	}
	address, err := ValidatorAddresses.BytesToString(operator)
	if err != nil {
		return err
	}
	tenth := math.LegacyNewDecWithPrec(1, 1)
	_, err = stakingkeeper.NewMsgServerImpl(app.Staking).CreateValidator(ctx, &stakingtypes.MsgCreateValidator{
		Description:       stakingtypes.NewDescription("in-place testnet", "", "", "", ""),
		Commission:        stakingtypes.NewCommissionRates(tenth, tenth, tenth),
		MinSelfDelegation: math.OneInt(),
		ValidatorAddress:  address,
		Pubkey:            packed,
		Value:             wholeATH(1)[0],
	})
	return err
}
