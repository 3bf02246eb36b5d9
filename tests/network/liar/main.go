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
	if err := liar.LoadLatestVersion(); err != nil {
		panic(err)
	}
	return liar
}

// lie says by turns the highest price there is with a forged proof, bytes that mean nothing, and more than is allowed.
func lie(_ sdk.Context, req *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	var said []byte
	switch req.Height % 3 {
	case 0:
		ext := athtypes.VoteExtension{Price: athtypes.MaxPrice, BeaconProof: bytes.Repeat([]byte{7}, 80)}
		var err error
		if said, err = ext.Marshal(); err != nil {
			return nil, err
		}
	case 1:
		said = bytes.Repeat([]byte{0xff}, 40)
	default:
		said = make([]byte, athtypes.MaxVoteExtension+1)
	}
	return &abci.ResponseExtendVote{VoteExtension: said}, nil
}
