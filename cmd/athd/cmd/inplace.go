// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"

	cmtcrypto "github.com/cometbft/cometbft/crypto"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cast"

	"cosmossdk.io/log/v2"

	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	"github.com/athnet/ath/app"
)

// upgradeAfter is how many blocks after its start an in-place testnet runs the upgrade that --trigger-testnet-upgrade names.
const upgradeAfter = 10

// newTestnetApp opens a copy of a network's state for `athd in-place-testnet`, whose interface has no errors.
func newTestnetApp(logger log.Logger, db dbm.DB, opts servertypes.AppOptions) servertypes.Application {
	chain := app.New(logger, db, true, opts, server.DefaultBaseappOptions(opts)...)
	if err := takeOver(chain, opts); err != nil {
		panic(fmt.Errorf("in-place testnet: %w", err))
	}
	return chain
}

func takeOver(chain *app.App, opts servertypes.AppOptions) error {
	key, ok := opts.Get(server.KeyUserPubKey).(cmtcrypto.PubKey)
	if !ok {
		return fmt.Errorf("no consensus key in this node's home")
	}
	consensus, err := cryptocodec.FromCmtPubKeyInterface(key)
	if err != nil {
		return err
	}
	operator, err := app.AccountAddresses.StringToBytes(cast.ToString(opts.Get(server.KeyNewOpAddr)))
	if err != nil {
		return fmt.Errorf("operator: want an account address such as ath1…: %w", err)
	}
	if err := chain.TakeOver(sdk.ValAddress(operator), consensus); err != nil {
		return err
	}
	name := cast.ToString(opts.Get(server.KeyTriggerTestnetUpgrade))
	if name == "" {
		return nil
	}
	last, err := chain.LastBlock()
	if err != nil {
		return err
	}
	return chain.Upgrade.ScheduleUpgrade(chain.NewUncachedContext(false, last), upgradetypes.Plan{ //nolint:staticcheck // the state itself is meant, not a cache over it
		Name: name, Height: last.Height + upgradeAfter,
	})
}
