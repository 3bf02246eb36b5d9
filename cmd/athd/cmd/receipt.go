// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"

	"github.com/athnet/ath/offchain/chain"
	leases "github.com/athnet/ath/x/leases/types"
)

const (
	flagRoot = "root"
	// maxBundle bounds what is read as a bundle: a receipt is below 2 KiB, its proof below 16.
	maxBundle = 1 << 20
	// receiptTimeout is how long an Indexer may take for a proof.
	receiptTimeout = 30 * time.Second
)

func leaseReceiptCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "receipt", Short: "Keep and verify receipts of closed leases", RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(receiptVerifyCommand(), receiptExportCommand())
	return cmd
}

func receiptExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export LEASE",
		Short:   "Print the receipt of a closed lease with its proof, as an Indexer has it",
		Example: "  athd lease receipt export ath1…/1 --indexer https://indexer.example.com > receipt.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bundle, err := fetchReceipt(cmd, args[0])
			if err != nil {
				return err
			}
			return printBundle(cmd.OutOrStdout(), &bundle)
		},
	}
	addTenantFlags(cmd)
	needsIndexer(cmd)
	return cmd
}

// needsIndexer says that the chain can't be asked instead.
func needsIndexer(cmd *cobra.Command) {
	cmd.Flags().Lookup(flagIndexer).Usage = "URL of the Indexer that is asked for the receipt"
}

func receiptVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify LEASE|FILE",
		Short: "Check that a receipt is one of the chain's",
		Long: "verify makes the hash of a receipt and the way from it to the log's root again, and compares with the root that the chain keeps of the " +
			"epoch. What the receipt holds of the worker's own word it checks against the worker key in the receipt, which is the one that the chain " +
			"had of the Container when the lease ended, as sure as the receipt itself. The receipt comes from a file, as export writes it, or from an Indexer, who is not believed. The root comes from the node; with " +
			"--root no node is asked. What it can't prove makes it fail.",
		Example: "  athd lease receipt verify ath1…/1 --indexer https://indexer.example.com\n  athd lease receipt verify receipt.json\n" +
			"  athd lease receipt verify receipt.json --root 4f1c…",
		Args: cobra.ExactArgs(1),
		RunE: runReceiptVerify,
	}
	addTenantFlags(cmd)
	needsIndexer(cmd)
	cmd.Flags().String(flagRoot, "", "root of the log at the end of the bundle's epoch in hex; no node is asked")
	return cmd
}

// receiptReport is the answer of `lease receipt verify`.
type receiptReport struct {
	LeaseID string `json:"lease_id"`
	ChainID string `json:"chain_id"`
	Right   bool   `json:"right"`
	Why     string `json:"why,omitempty"`
	Hash    string `json:"receipt_hash"`
	Index   uint64 `json:"index"`
	Count   uint64 `json:"count"`
	Epoch   uint64 `json:"epoch"`
	Root    string `json:"root"`
	Source  string `json:"root_from"`
	// Statement says whose word the worker's statement is: "none", "signed" or "wrong".
	Statement string         `json:"statement"`
	Receipt   leases.Receipt `json:"receipt"`
}

func runReceiptVerify(cmd *cobra.Command, args []string) error {
	asJSON, err := wantsJSON(cmd)
	if err != nil {
		return err
	}
	bundle, err := readBundle(cmd, args[0])
	if err != nil {
		return err
	}
	r := bundle.Receipt
	report := receiptReport{
		LeaseID: fmt.Sprintf("%s/%d", r.Tenant, r.Number), ChainID: bundle.ChainId, Receipt: r,
		Index: bundle.Proof.Index, Count: bundle.Proof.Count, Epoch: bundle.Epoch,
	}
	hash, err := r.Hash(bundle.ChainId)
	if err != nil {
		return err
	}
	report.Hash = hex.EncodeToString(hash)
	root, source, err := trustedRoot(cmd, bundle)
	if err != nil {
		return err
	}
	report.Root, report.Source = hex.EncodeToString(root), source
	wrong := bundle.Verify(root)
	report.Statement = "none"
	if r.Statement != nil {
		report.Statement = "signed"
		if err := r.VerifyStatement(bundle.ChainId); err != nil {
			report.Statement, wrong = "wrong", errors.Join(wrong, err)
		}
	}
	if report.Right = wrong == nil; !report.Right {
		report.Why = chain.Text(wrong)
	}
	if asJSON {
		err = printJSON(cmd.OutOrStdout(), report)
	} else {
		err = printReceiptReport(cmd.OutOrStdout(), report)
	}
	if err == nil && wrong != nil {
		err = fmt.Errorf("the receipt of lease %s is not proven: %w", report.LeaseID, wrong)
	}
	return err
}

func readBundle(cmd *cobra.Command, arg string) (b leases.ReceiptBundle, err error) {
	file, err := os.Open(arg)
	if errors.Is(err, os.ErrNotExist) {
		if _, bad := leases.ParseLeaseID(arg); bad != nil && !isNumber(arg) {
			return b, fmt.Errorf("%s: no such file, and not a lease such as ath1…/1", arg)
		}
		return fetchReceipt(cmd, arg)
	}
	if err != nil {
		return b, err
	}
	defer file.Close()
	return parseBundle(file, arg)
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

func parseBundle(from io.Reader, name string) (b leases.ReceiptBundle, err error) {
	if err := jsonpb.Unmarshal(io.LimitReader(from, maxBundle), &b); err != nil {
		return b, fmt.Errorf("%s: not a receipt as `athd lease receipt export` writes it: %w", name, err)
	}
	return b, nil
}

func printBundle(out io.Writer, b *leases.ReceiptBundle) error {
	enc := jsonpb.Marshaler{OrigName: true, EmitDefaults: true, Indent: "  "}
	if err := enc.Marshal(out, b); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out)
	return err
}

// fetchReceipt asks the Indexer for the receipt of a lease; a bare number is one of the own leases.
func fetchReceipt(cmd *cobra.Command, lease string) (b leases.ReceiptBundle, err error) {
	base, _ := cmd.Flags().GetString(flagIndexer)
	if base == "" {
		return b, errors.New("who has the receipt? give --indexer URL, or the file of an export")
	}
	if isNumber(lease) {
		ctx, err := client.GetClientTxContext(cmd)
		if err != nil {
			return b, keyProblem(err)
		}
		signer, err := pickKey(ctx)
		if err != nil {
			return b, err
		}
		lease = signer.address + "/" + lease
	}
	id, err := leases.ParseLeaseID(lease)
	if err != nil {
		return b, err
	}
	where, err := url.JoinPath(base, "v1", "receipts", id.Tenant.String(), strconv.FormatUint(id.Number, 10))
	if err != nil {
		return b, fmt.Errorf("--indexer %q: %w", base, err)
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), receiptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return b, fmt.Errorf("--indexer %q: %w", base, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return b, fmt.Errorf("ask the Indexer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return b, fmt.Errorf("the Indexer answers: %s", refusalText(resp))
	}
	b, err = parseBundle(resp.Body, where)
	if err == nil && (b.Receipt.Tenant != id.Tenant.String() || b.Receipt.Number != id.Number) {
		err = fmt.Errorf("the Indexer answered with the receipt of lease %s/%d; ask another", b.Receipt.Tenant, b.Receipt.Number)
	}
	return b, err
}

// refusalText is why an Indexer did not answer: its error, or its status where it gives none.
func refusalText(resp *http.Response) string {
	var answer struct {
		Error string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<10)).Decode(&answer); err != nil || answer.Error == "" {
		return resp.Status
	}
	return answer.Error
}

// trustedRoot is what the bundle is compared with: --root, or what the node says of the epoch.
func trustedRoot(cmd *cobra.Command, b leases.ReceiptBundle) (root []byte, source string, err error) {
	if text, _ := cmd.Flags().GetString(flagRoot); text != "" {
		root, err = hex.DecodeString(text)
		if err != nil || len(root) != 32 {
			return nil, "", fmt.Errorf("--root %q: want 64 hex digits", text)
		}
		return root, "--root", nil
	}
	ctx, err := client.GetClientQueryContext(cmd)
	if err != nil {
		return nil, "", err
	}
	addr, _ := cmd.Flags().GetString(flags.FlagGRPC)
	node, err := chain.Dial(cmd.Context(), chain.Config{GRPC: addr, RPC: ctx.NodeURI, ChainID: ctx.ChainID})
	if err != nil {
		return nil, "", err
	}
	defer node.Close()
	if node.ChainID() != b.ChainId {
		return nil, "", fmt.Errorf("the receipt is of chain %q, the node of %q: give --node and --grpc of one of the former", b.ChainId, node.ChainID())
	}
	if b.Epoch == 0 {
		return nil, "", errors.New("the bundle names no epoch, so no root of the chain can be compared with it; export it anew")
	}
	resp, err := leases.NewQueryClient(node.Conn()).ReceiptRoot(cmd.Context(), &leases.QueryReceiptRootRequest{Epoch: b.Epoch})
	if err != nil {
		return nil, "", fmt.Errorf("the root of epoch %d: %w", b.Epoch, err)
	}
	return resp.Root.Root, "the node", nil
}
