// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/tx"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/app/beaconkey"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// beaconKeyCommand keeps the key with which this node contributes to the random beacon.
func beaconKeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "beacon-key",
		Short: "Make, show and register the key with which a validator contributes to the random beacon",
		Long: "A validator's node adds a VRF proof by its beacon key to its votes; the chain makes its random values from them\n" +
			"(docs/beacon.md). The key is in config/beacon_key.json and counts from the second change of epoch after it was registered.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		beaconKeyFile("init", "Make a key where there is none, and print its public part", beaconkey.Init),
		beaconKeyFile("show", "Print the public parts, the newest first", beaconkey.Load),
		beaconKeyFile("rotate", "Make a new key; the old one stays in the file until the next rotation", beaconkey.Rotate),
		beaconKeyRegister(),
		beaconKeyGenesis(),
	)
	return cmd
}

func beaconKeyFile(use, short string, run func(path string) (*beaconkey.File, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Example: "  athd beacon-key " + use, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := run(beaconkey.Path(client.GetClientContextFromCmd(cmd).HomeDir))
			if err != nil {
				return err
			}
			for _, key := range file.Public() {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), base64.StdEncoding.EncodeToString(key)); err != nil {
					return err
				}
			}
			if use != "show" {
				cmd.PrintErrln("next: restart the node, then `athd beacon-key register --from <the validator's key>`")
			}
			return nil
		},
	}
}

// beaconKeyRegister sends the newest key to the chain, with the proof that the sender has it.
func beaconKeyRegister() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Register the newest key of the file for the validator of --from",
		Long: "register sends the newest public key with a proof that this machine has the secret. The key counts from the second\n" +
			"change of epoch on; until then the node votes with the key before it. --generate-only writes the transaction\n" +
			"for a key that is elsewhere (hardware wallet, multisig).",
		Example: "  athd beacon-key register --from validator\n" +
			"  athd beacon-key register --from ath1… --generate-only > tx.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, err := client.GetClientTxContext(cmd)
			if err != nil {
				return keyProblem(err)
			}
			file, err := beaconkey.Load(beaconkey.Path(ctx.HomeDir))
			if err != nil {
				return err
			}
			if ctx.ChainID == "" {
				return fmt.Errorf("the proof names the chain: give --%s, or say `athd config chain-id <id>`", flags.FlagChainID)
			}
			operator, err := app.ValidatorAddresses.BytesToString(ctx.GetFromAddress())
			if err != nil {
				return fmt.Errorf("--%s: %w", flags.FlagFrom, err)
			}
			key := file.Newest()
			return tx.GenerateOrBroadcastTxCLI(ctx, cmd.Flags(), &athtypes.MsgSetBeaconKey{
				Operator: operator, Pubkey: key.Public(), Possession: key.ProvePossession(ctx.ChainID, ctx.GetFromAddress()),
			})
		},
	}
	flags.AddTxFlagsToCmd(cmd)
	return cmd
}

// beaconKeyGenesis puts the newest key into a genesis file, where it counts from the first vote on.
func beaconKeyGenesis() *cobra.Command {
	return &cobra.Command{
		Use:   "genesis OPERATOR [PUBKEY]",
		Short: "Put a validator's key into this node's genesis file",
		Long: "genesis gives the validator with the operator address the newest key of this node's file, or the public key PUBKEY of\n" +
			"another node, in config/genesis.json. Keys of a genesis file count from the first vote on.",
		Example: "  athd beacon-key genesis athvaloper1…\n  athd beacon-key genesis athvaloper1… YrHTibNS37uowEjmVLM4vL0/GWhIoM4GAB0Mezog4dM=",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := client.GetClientContextFromCmd(cmd)
			key := athtypes.BeaconKey{Operator: args[0]}
			if _, err := app.ValidatorAddresses.StringToBytes(key.Operator); err != nil {
				return fmt.Errorf("operator %s: %w", key.Operator, err)
			}
			if len(args) == 2 {
				pubkey, err := base64.StdEncoding.DecodeString(args[1])
				if err != nil {
					return fmt.Errorf("public key: %w", err)
				}
				key.Current = pubkey
			} else {
				file, err := beaconkey.Load(beaconkey.Path(ctx.HomeDir))
				if err != nil {
					return err
				}
				key.Current = file.Newest().Public()
			}
			return addGenesisKey(ctx, filepath.Join(ctx.HomeDir, "config", "genesis.json"), key)
		},
	}
}

func addGenesisKey(ctx client.Context, path string, key athtypes.BeaconKey) error {
	genesis, err := genutiltypes.AppGenesisFromFile(path)
	if err != nil {
		return err
	}
	var modules map[string]json.RawMessage
	if err := json.Unmarshal(genesis.AppState, &modules); err != nil {
		return fmt.Errorf("%s: app_state: %w", path, err)
	}
	var state athtypes.GenesisState
	if err := ctx.Codec.UnmarshalJSON(modules[athtypes.ModuleName], &state); err != nil {
		return fmt.Errorf("%s: state of x/%s: %w", path, athtypes.ModuleName, err)
	}
	state.BeaconKeys = append(state.BeaconKeys, key)
	if err := state.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if modules[athtypes.ModuleName], err = ctx.Codec.MarshalJSON(&state); err != nil {
		return err
	}
	if genesis.AppState, err = json.MarshalIndent(modules, "", "  "); err != nil {
		return err
	}
	return genesis.SaveAs(path)
}
