// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	leases "github.com/athnet/ath/x/leases/types"
)

const flagIndexer = "indexer"

// keyringSigner signs with a key of athd's keyring, wherever that keeps it.
type keyringSigner struct {
	keys    keyring.Keyring
	name    string
	address string
	pubkey  cryptotypes.PubKey
}

var _ chain.Signer = keyringSigner{}

func (s keyringSigner) Address() string            { return s.address }
func (s keyringSigner) PubKey() cryptotypes.PubKey { return s.pubkey }

func (s keyringSigner) Sign(msg []byte) ([]byte, error) {
	sig, _, err := s.keys.Sign(s.name, msg, signing.SignMode_SIGN_MODE_DIRECT)
	return sig, err
}

// tenant is a connection to a node with the key of the person at the keyboard.
type tenant struct {
	node   *chain.Client
	signer keyringSigner
	*deploy.Deployer
}

func addTenantFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String(flags.FlagFrom, "", "name or address of the key that rents; the only one where there is one")
	f.String(flags.FlagNode, "tcp://localhost:26657", "CometBFT RPC of a node")
	f.String(flags.FlagGRPC, chain.DefaultGRPC, "gRPC address of the same node; tls://host:port behind TLS")
	f.String(flags.FlagChainID, "", "chain-id; checked against the node where set")
	f.String(flags.FlagKeyringBackend, keyring.BackendOS, "where keys are kept (os|file|test)")
	f.String(flags.FlagKeyringDir, "", "directory of the keys; the home directory where empty")
	f.String(flags.FlagGasPrices, chain.DefaultGasPrice, "price of a unit of gas")
	f.String(flags.FlagFeeGranter, "", "address that pays the fees, under an allowance of x/feegrant to you")
	f.StringP(flags.FlagOutput, "o", "text", "form of the answer (text|json)")
	f.String(flagIndexer, "", "URL of an Indexer that finds Containers; the chain is asked where empty or silent")
}

// openTenant connects to the node and finds the key.
func openTenant(cmd *cobra.Command) (*tenant, error) {
	ctx, err := client.GetClientTxContext(cmd)
	if err != nil {
		return nil, keyProblem(err)
	}
	signer, err := pickKey(ctx)
	if err != nil {
		return nil, err
	}
	grpcAddr, _ := cmd.Flags().GetString(flags.FlagGRPC)
	node, err := chain.Dial(cmd.Context(), chain.Config{GRPC: grpcAddr, RPC: ctx.NodeURI, ChainID: ctx.ChainID})
	if err != nil {
		return nil, err
	}
	price, _ := cmd.Flags().GetString(flags.FlagGasPrices)
	payer, _ := cmd.Flags().GetString(flags.FlagFeeGranter)
	sender, err := chain.NewSender(node, signer, chain.SenderConfig{GasPrice: price, FeeGranter: payer, Linger: interruptLinger})
	if err != nil {
		return nil, errors.Join(err, node.Close())
	}
	t := &tenant{node: node, signer: signer, Deployer: &deploy.Deployer{
		Node: node, Sender: feePayer{sender, payer},
		Sign: func(doc []byte) ([]byte, []byte, error) {
			sig, err := signer.Sign(doc)
			return sig, signer.pubkey.Bytes(), err
		},
	}}
	if url, _ := cmd.Flags().GetString(flagIndexer); url != "" {
		if t.Indexer, err = deploy.NewIndexer(url); err != nil {
			return nil, errors.Join(err, node.Close())
		}
	}
	return t, nil
}

// feePayer is a sender that says who else could pay a fee that its own account can't.
type feePayer struct {
	deploy.Sender
	granter string
}

func (p feePayer) Send(ctx context.Context, msgs ...sdk.Msg) (chain.TxResult, error) {
	tx, err := p.Sender.Send(ctx, msgs...)
	poor := &chain.ExecutionError{Codespace: sdkerrors.RootCodespace, Code: sdkerrors.ErrInsufficientFunds.ABCICode()}
	if p.granter == "" && (errors.Is(err, chain.ErrNoAccount) || errors.Is(err, poor)) {
		err = &deploy.Problem{
			Text: p.Address() + " has not enough coins", Err: err,
			Remedy: "send it some; if it is the fee that it can't pay, somebody else may: --fee-granter ADDRESS, after athd tx feegrant grant of theirs",
		}
	}
	return tx, err
}

func (t *tenant) close() { _ = t.node.Close() } // the command is over; its answer is out

// pickKey takes the key of --from, or the only one there is.
func pickKey(ctx client.Context) (keyringSigner, error) {
	name := ctx.FromName
	if name == "" {
		records, err := ctx.Keyring.List()
		if err != nil {
			return keyringSigner{}, keyProblem(err)
		}
		switch len(records) {
		case 0:
			return keyringSigner{}, &deploy.Problem{Text: "there is no key in " + ctx.Keyring.Backend() + " keyring of " + ctx.KeyringDir, Remedy: "make one (athd keys add me), or say where it is (--keyring-backend, --keyring-dir)"}
		case 1:
			name = records[0].Name
		default:
			var names []string
			for _, r := range records {
				names = append(names, r.Name)
			}
			return keyringSigner{}, &deploy.Problem{Text: "there are several keys: " + strings.Join(names, ", "), Remedy: "choose one with --from"}
		}
	}
	record, err := ctx.Keyring.Key(name)
	if err != nil {
		return keyringSigner{}, keyProblem(err)
	}
	addr, err := record.GetAddress()
	if err != nil {
		return keyringSigner{}, keyProblem(err)
	}
	pubkey, err := record.GetPubKey()
	if err != nil {
		return keyringSigner{}, keyProblem(err)
	}
	return keyringSigner{keys: ctx.Keyring, name: name, address: addr.String(), pubkey: pubkey}, nil
}

func keyProblem(err error) error {
	return &deploy.Problem{Text: "the key can't be used", Remedy: "athd keys list shows which there are; --keyring-backend and --keyring-dir say where they are kept", Err: err}
}

// leaseID reads "tenant/number", or the number of a lease of the caller's own.
func (t *tenant) leaseID(s string) (leases.LeaseID, error) {
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		addr, err := sdk.AccAddressFromBech32(t.signer.address)
		if err != nil {
			return leases.LeaseID{}, fmt.Errorf("own address: %w", err)
		}
		return leases.LeaseID{Tenant: addr, Number: n}, nil
	}
	return leases.ParseLeaseID(s)
}

// lease looks a lease up: one of both is set.
func (t *tenant) lease(ctx context.Context, id leases.LeaseID) (*leases.QueryLeaseResponse, error) {
	resp, err := leases.NewQueryClient(t.node.Conn()).Lease(ctx, &leases.QueryLeaseRequest{Tenant: id.Tenant.String(), Number: id.Number})
	if err != nil {
		return nil, leaseProblem(id, err)
	}
	return resp, nil
}

// leaseProblem says why a lease can't be looked up. The chain keeps the receipt of a closed one for a while (receipt_horizon), Indexers for good.
func leaseProblem(id leases.LeaseID, err error) error {
	if status.Code(err) != codes.NotFound {
		return &deploy.Problem{Text: "lease " + id.String() + " can't be looked up: the node does not answer", Remedy: "try again, or another one with --node and --grpc-addr", Err: err}
	}
	return &deploy.Problem{
		Text:   "the chain knows no lease " + id.String() + ", and no receipt of it any more",
		Remedy: "athd lease list --closed shows yours; one that has ended long ago: athd lease receipt export " + id.String() + " --indexer URL",
		Err:    err,
	}
}

// wantsJSON reads --output.
func wantsJSON(cmd *cobra.Command) (bool, error) {
	switch out, _ := cmd.Flags().GetString(flags.FlagOutput); out {
	case "json":
		return true, nil
	case "text", "":
		return false, nil
	default:
		return false, fmt.Errorf("--output %q: want text or json", out)
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// span writes a duration as people say it: "3d 4h", "2h 5m", "40s".
func span(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd %dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh %dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm %ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		return d.String()
	}
}
