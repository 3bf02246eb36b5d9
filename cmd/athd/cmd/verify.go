// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/types/query"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/app"
	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	flagBundle = "bundle"
	flagExport = "export"
	// exitWrong: what was to be verified is wrong; 1 says that it could not be verified.
	exitWrong = 2
	// setDelay: the validators who vote for a block are those whom the state three blocks before the block with their votes
	// calls bonded.
	setDelay = 3
)

// verifyCommand repeats what the chain computed.
func verifyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "verify", Short: "Repeat what the chain computed, from public data", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(verifyBeaconCommand())
	return cmd
}

func verifyBeaconCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "beacon [HEIGHT]",
		Short: "Make the random beacon of a block again and compare",
		Long: "beacon takes the votes that block HEIGHT carries, the keys and the beacon before it, and makes the block's beacon again.\n" +
			"The node is believed about block, keys and the beacon before: ask your own, or compare bundles of two nodes.\n" +
			"--export keeps all of it in a file, which --bundle verifies without a node.\n" +
			"Exit codes: 0 it is right; 2 it is wrong; 1 it could not be verified.",
		Example: "  athd verify beacon 120000\n  athd verify beacon 120000 --export beacon.json\n  athd verify beacon --bundle beacon.json --output json",
		Args:    cobra.MaximumNArgs(1),
		RunE:    runVerifyBeacon,
	}
	f := cmd.Flags()
	f.String(flags.FlagNode, "tcp://localhost:26657", "CometBFT RPC of a node")
	f.String(flagBundle, "", "verify this file; no node is asked")
	f.String(flagExport, "", "write all that the verification needs to this file")
	f.StringP(flags.FlagOutput, "o", "text", "form of the answer (text|json)")
	return cmd
}

func runVerifyBeacon(cmd *cobra.Command, args []string) error {
	asJSON, err := wantsJSON(cmd)
	if err != nil {
		return err
	}
	bundle, err := beaconBundle(cmd, args)
	if err != nil {
		return err
	}
	if path, _ := cmd.Flags().GetString(flagExport); path != "" {
		raw, err := json.MarshalIndent(bundle, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
			return err
		}
	}
	report, err := bundle.Verify()
	if err != nil {
		return err
	}
	if asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
	} else {
		err = printBeaconReport(cmd.OutOrStdout(), report)
	}
	if err == nil && !report.Right {
		err = exitError{fmt.Errorf("the beacon of block %d is wrong", report.Height), exitWrong}
	}
	return err
}

func beaconBundle(cmd *cobra.Command, args []string) (app.BeaconBundle, error) {
	path, _ := cmd.Flags().GetString(flagBundle)
	switch {
	case path != "" && len(args) > 0:
		return app.BeaconBundle{}, fmt.Errorf("give a height or --%s, not both", flagBundle)
	case path != "":
		raw, err := os.ReadFile(path)
		if err != nil {
			return app.BeaconBundle{}, err
		}
		return app.ParseBeaconBundle(raw)
	case len(args) == 0:
		return app.BeaconBundle{}, fmt.Errorf("which block? give a height or --%s FILE", flagBundle)
	}
	height, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || height < 2 {
		return app.BeaconBundle{}, fmt.Errorf("height is %q; a number from 2 on (the first block's beacon has none before it)", args[0])
	}
	ctx, err := client.GetClientQueryContext(cmd)
	if err != nil {
		return app.BeaconBundle{}, err
	}
	return fetchBeaconBundle(cmd.Context(), ctx, height)
}

// fetchBeaconBundle asks a node for all that a block's beacon was made from.
func fetchBeaconBundle(ctx context.Context, node client.Context, height int64) (app.BeaconBundle, error) {
	var bundle app.BeaconBundle
	rpc, err := node.GetNode()
	if err != nil {
		return bundle, err
	}
	block, err := rpc.Block(ctx, &height)
	if err != nil {
		return bundle, fmt.Errorf("block %d: %w", height, err)
	}
	bundle.ChainID, bundle.Height = block.Block.ChainID, height
	bundle.BlockHash, bundle.AppHash = app.Hex(block.BlockID.Hash), app.Hex(block.Block.AppHash)
	txs := make([][]byte, len(block.Block.Txs))
	for i, tx := range block.Block.Txs {
		txs[i] = tx
	}
	bundle.Votes = app.VotesOf(txs)

	now, err := athtypes.NewQueryClient(node.WithHeight(height)).Beacon(ctx, &athtypes.QueryBeaconRequest{})
	if err != nil {
		return bundle, stateProblem(height, err)
	}
	before := athtypes.NewQueryClient(node.WithHeight(height - 1))
	previous, err := before.Beacon(ctx, &athtypes.QueryBeaconRequest{})
	if err != nil {
		return bundle, stateProblem(height-1, err)
	}
	bundle.Beacon, bundle.Previous = now.Value, previous.Value
	if len(bundle.Votes) == 0 {
		return bundle, nil
	}
	if err := fetchBeaconKeys(ctx, before, &bundle); err != nil {
		return bundle, stateProblem(height-1, err)
	}
	for _, at := range []int64{height - 1, max(height-setDelay, 1)} {
		if err := fetchSigners(ctx, node.WithHeight(at), &bundle); err != nil {
			return bundle, stateProblem(at, err)
		}
	}
	return bundle, nil
}

func fetchBeaconKeys(ctx context.Context, at athtypes.QueryClient, bundle *app.BeaconBundle) error {
	page := &query.PageRequest{Limit: 1_000}
	for {
		res, err := at.BeaconKeys(ctx, &athtypes.QueryBeaconKeysRequest{Pagination: page})
		if err != nil {
			return err
		}
		bundle.Epoch = res.Epoch
		for _, key := range res.Keys {
			bundle.Keys = append(bundle.Keys, app.BundleKey{Operator: key.Operator, Current: key.Current, Next: key.Next, FromEpoch: key.FromEpoch})
		}
		if res.Pagination == nil || len(res.Pagination.NextKey) == 0 {
			return nil
		}
		page.Key = res.Pagination.NextKey
	}
}

func fetchSigners(ctx context.Context, node client.Context, bundle *app.BeaconBundle) error {
	res, err := stakingtypes.NewQueryClient(node).Validators(ctx, &stakingtypes.QueryValidatorsRequest{
		Status: stakingtypes.BondStatusBonded, Pagination: &query.PageRequest{Limit: 1_000},
	})
	if err != nil {
		return err
	}
	for _, validator := range res.Validators {
		if err := validator.UnpackInterfaces(node.InterfaceRegistry); err != nil {
			return err
		}
		consensus, err := validator.GetConsAddr()
		if err != nil {
			return err
		}
		bundle.Signers = append(bundle.Signers, app.BundleSigner{Consensus: consensus, Operator: validator.OperatorAddress})
	}
	return nil
}

// stateProblem says in plain words that a node has forgotten a height.
func stateProblem(height int64, err error) error {
	text := err.Error()
	if strings.Contains(text, "failed to load state at height") || strings.Contains(text, "version does not exist") {
		return fmt.Errorf("the node has no state of block %d, because it was pruned or is not made yet; ask a node that keeps more history "+
			"(pruning in app.toml), or verify a bundle that somebody exported in time: %w", height, err)
	}
	return errors.Join(fmt.Errorf("state of block %d", height), err)
}

func printBeaconReport(out io.Writer, r app.BeaconReport) error {
	verdict := "is right"
	if !r.Right {
		verdict = "IS WRONG"
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "The beacon of block %d of %s %s.\n\n", r.Height, r.ChainID, verdict)
	fmt.Fprintf(w, "on the chain\t%s\n", r.Beacon)
	fmt.Fprintf(w, "made again\t%s\n", r.Recomputed)
	if r.Source == "vrf" {
		fmt.Fprintf(w, "made from\tthe VRF outputs of %d validators, which none of them could choose\n", len(r.Contributed))
	} else {
		fmt.Fprint(w, "made from\tthe block's hash, because no validator contributed: its proposer may have tried several\n")
	}
	for _, list := range []struct {
		name      string
		operators []string
	}{
		{"contributed", r.Contributed}, {"wrong proof", r.Refused}, {"no proof or no key in use", r.Without}, {"not carried by the block", r.LeftOut},
	} {
		for _, operator := range list.operators {
			fmt.Fprintf(w, "%s\t%s\n", list.name, operator)
		}
	}
	return w.Flush()
}
