// SPDX-License-Identifier: Apache-2.0

// The liar is a validator's node that follows the protocol in everything but what it says when it votes. Only tests build it.
package main

import (
	"bytes"
	"context"
	"os"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtcfg "github.com/cometbft/cometbft/config"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cobra"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/server"
	servercmd "github.com/cosmos/cosmos-sdk/server/cmd"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	athtypes "github.com/athnet/ath/x/ath/types"
)

func main() {
	root := &cobra.Command{
		Use: "liar",
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			types, err := app.NewClient()
			if err != nil {
				return err
			}
			ctx := client.GetClientContextFromCmd(cmd).WithCodec(types.Codec).WithInterfaceRegistry(types.Registry).WithTxConfig(types.Tx)
			if err := client.SetCmdClientContext(cmd, ctx); err != nil {
				return err
			}
			return server.InterceptConfigsPreRunHandler(cmd, "", nil, cmtcfg.DefaultConfig())
		},
	}
	root.PersistentFlags().String(flags.FlagLogLevel, "info", "")
	root.PersistentFlags().String(flags.FlagLogFormat, "plain", "")
	root.PersistentFlags().Bool(flags.FlagLogNoColor, true, "")
	root.PersistentFlags().Bool(server.FlagTrace, false, "")
	root.AddCommand(server.StartCmd(newLiar, app.DefaultHome()))
	if err := root.ExecuteContext(servercmd.CreateExecuteContext(context.Background())); err != nil {
		os.Exit(1)
	}
}

// newLiar opens the application and puts a lie in its mouth.
func newLiar(logger log.Logger, db dbm.DB, opts servertypes.AppOptions) servertypes.Application {
	liar := app.New(logger, db, false, opts, server.DefaultBaseappOptions(opts)...)
	liar.SetExtendVoteHandler(lie)
	// CometBFT asks a validator about its own words, too, and stops it where it does not stand by them.
	liar.SetVerifyVoteExtensionHandler(func(sdk.Context, *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
		return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}, nil
	})
	if err := liar.LoadLatestVersion(); err != nil {
		panic(err)
	}
	return liar
}

// lie says the highest price there is with a forged proof, now and then bytes that mean nothing, and sometimes more than is
// allowed: then the others don't take its vote, so it must not be too often, or the liar is jailed for its silence.
func lie(_ sdk.Context, req *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	var said []byte
	switch req.Height % 8 {
	default:
		ext := athtypes.VoteExtension{Price: athtypes.MaxPrice, BeaconProof: bytes.Repeat([]byte{7}, 80)}
		var err error
		if said, err = ext.Marshal(); err != nil {
			return nil, err
		}
	case 1, 5:
		said = bytes.Repeat([]byte{0xff}, 40)
	case 3:
		said = make([]byte, athtypes.MaxVoteExtension+1)
	}
	return &abci.ResponseExtendVote{VoteExtension: said}, nil
}
