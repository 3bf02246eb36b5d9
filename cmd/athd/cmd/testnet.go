// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/athnet/ath/app"
	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// testnetBalance and testnetStake of every validator, in uath: a million ATH, half of it bonded.
	testnetBalance = 1_000_000_000_000
	testnetStake   = testnetBalance / 2
	// portStep between the nodes of one host.
	portStep = 10
)

// testnetCommand makes the files of a network of several validators.
func testnetCommand(modules *app.Client) *cobra.Command {
	var (
		t     = testnet{modules: modules}
		count int
	)
	files := &cobra.Command{
		Use:   "init-files",
		Short: "Write homes, keys and one genesis for several validators",
		Long: "Write a home for each validator, with its keys (in the keyring \"test\"), and one genesis for all.\n" +
			"Without --hosts all run on this machine, on ports that are shifted by 10 from one to the next.",
		Example: "  athd testnet init-files --validators 4 --output-dir ./net\n  athd start --home ./net/node0",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.chainID = cmd.Flag(flags.FlagChainID).Value.String(); len(t.hosts) == 0 {
				for range count {
					t.hosts = append(t.hosts, "127.0.0.1")
				}
				t.shift = portStep
			}
			if err := t.write(); err != nil {
				return fmt.Errorf("testnet files: %w", err)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), t.dir)
			return err
		},
	}
	files.Flags().IntVar(&count, "validators", 4, "number of validators on this machine")
	files.Flags().StringSliceVar(&t.hosts, "hosts", nil, "one host name or address per validator, where they run on several machines")
	files.Flags().StringVar(&t.dir, "output-dir", "./testnet", "directory to write to")
	files.Flags().String(flags.FlagChainID, "ath-testnet-1", "chain-id")
	cmd := &cobra.Command{Use: "testnet", Short: "Prepare networks of several validators"}
	cmd.AddCommand(files)
	return cmd
}

type testnet struct {
	modules *app.Client
	chainID string
	dir     string
	hosts   []string
	shift   int // of ports, from one node to the next
}

// testnetNode is one validator.
type testnetNode struct {
	name    string
	config  *cmtcfg.Config
	address sdk.AccAddress
	peer    string // id@host:port
	genesis sdk.Tx
}

func (t testnet) write() error {
	if _, err := os.Stat(t.dir); err == nil {
		return fmt.Errorf("%s exists; remove it or choose another --output-dir", t.dir)
	}
	var nodes []testnetNode
	for i := range t.hosts {
		node, err := t.initNode(i)
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		nodes = append(nodes, node)
	}
	genesis, err := t.genesis(nodes)
	if err != nil {
		return err
	}
	for i, node := range nodes {
		var peers []string
		for j, other := range nodes {
			if j != i {
				peers = append(peers, other.peer)
			}
		}
		node.config.P2P.PersistentPeers = strings.Join(peers, ",")
		if err := genesis.SaveAs(node.config.GenesisFile()); err != nil {
			return err
		}
		if err := t.writeConfig(i, node); err != nil {
			return err
		}
	}
	return nil
}

// initNode makes a node's keys and its genesis transaction.
func (t testnet) initNode(i int) (testnetNode, error) {
	node := testnetNode{name: fmt.Sprintf("node%d", i), config: defaultCometConfig()}
	home := filepath.Join(t.dir, node.name)
	node.config.SetRoot(home)
	node.config.Moniker = node.name
	for _, dir := range []string{"config", "data"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			return node, err
		}
	}
	id, consensus, err := genutil.InitializeNodeValidatorFiles(node.config)
	if err != nil {
		return node, err
	}
	node.peer = fmt.Sprintf("%s@%s:%d", id, t.hosts[i], t.port(26656, i))
	keys, err := keyring.New(app.Name, keyring.BackendTest, home, nil, t.modules.Codec)
	if err != nil {
		return node, err
	}
	record, _, err := keys.NewMnemonic(node.name, keyring.English, sdk.GetConfig().GetFullBIP44Path(), "", hd.Secp256k1)
	if err != nil {
		return node, err
	}
	if node.address, err = record.GetAddress(); err != nil {
		return node, err
	}
	node.genesis, err = t.genesisTx(keys, node, consensus)
	return node, err
}

func (t testnet) genesisTx(keys keyring.Keyring, node testnetNode, consensus cryptotypes.PubKey) (sdk.Tx, error) {
	tenth := math.LegacyNewDecWithPrec(1, 1)
	msg, err := stakingtypes.NewMsgCreateValidator(sdk.ValAddress(node.address).String(), consensus,
		sdk.NewInt64Coin(athtypes.Denom, testnetStake), stakingtypes.NewDescription(node.name, "", "", "", ""),
		stakingtypes.NewCommissionRates(tenth, tenth, tenth), math.OneInt())
	if err != nil {
		return nil, err
	}
	builder := t.modules.Tx.NewTxBuilder()
	if err := builder.SetMsgs(msg); err != nil {
		return nil, err
	}
	builder.SetMemo(node.peer)
	builder.SetGasLimit(flags.DefaultGasLimit)
	factory := tx.Factory{}.WithChainID(t.chainID).WithKeybase(keys).WithTxConfig(t.modules.Tx)
	if err := tx.Sign(context.Background(), factory, node.name, builder, true); err != nil {
		return nil, err
	}
	return builder.GetTx(), nil
}

func (t testnet) genesis(nodes []testnetNode) (*genutiltypes.AppGenesis, error) {
	var (
		cdc      = t.modules.Codec
		accounts authtypes.GenesisAccounts
		balances []banktypes.Balance
		txs      []sdk.Tx
	)
	for _, node := range nodes {
		accounts = append(accounts, authtypes.NewBaseAccountWithAddress(node.address))
		balances = append(balances, banktypes.Balance{
			Address: node.address.String(), Coins: sdk.NewCoins(sdk.NewInt64Coin(athtypes.Denom, testnetBalance)),
		})
		txs = append(txs, node.genesis)
	}
	packed, err := authtypes.PackAccounts(accounts)
	if err != nil {
		return nil, err
	}
	state := t.modules.Basics.DefaultGenesis(cdc)
	auth, bank := authtypes.DefaultGenesisState(), &banktypes.GenesisState{}
	auth.Accounts = packed
	state[authtypes.ModuleName] = cdc.MustMarshalJSON(auth)
	cdc.MustUnmarshalJSON(state[banktypes.ModuleName], bank)
	bank.Balances = balances
	state[banktypes.ModuleName] = cdc.MustMarshalJSON(bank)
	if state, err = genutil.SetGenTxsInAppGenesisState(cdc, t.modules.Tx.TxJSONEncoder(), state, txs); err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return nil, err
	}
	genesis := genutiltypes.NewAppGenesisWithVersion(t.chainID, raw)
	genesis.GenesisTime = time.Now().UTC()
	params := cmttypes.DefaultConsensusParams()
	params.Block = app.BlockLimits()
	genesis.Consensus = &genutiltypes.ConsensusGenesis{Params: params}
	return genesis, nil
}

// port of a node, given that of the first.
func (t testnet) port(first, i int) int { return first + t.shift*i }

func (t testnet) writeConfig(i int, node testnetNode) error {
	config := node.config
	config.P2P.ListenAddress = fmt.Sprintf("tcp://0.0.0.0:%d", t.port(26656, i))
	config.P2P.AllowDuplicateIP = t.shift > 0
	config.P2P.AddrBookStrict = t.shift == 0
	config.RPC.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", t.port(26657, i))
	config.RPC.PprofListenAddress = fmt.Sprintf("localhost:%d", t.port(6060, i))
	dir := filepath.Join(config.RootDir, "config")
	cmtcfg.WriteConfigFile(filepath.Join(dir, "config.toml"), config)

	template, appConfig := defaultAppConfig()
	appConfig.GRPC.Address = fmt.Sprintf("localhost:%d", t.port(9090, i))
	appConfig.API.Address = fmt.Sprintf("tcp://localhost:%d", t.port(1317, i))
	serverconfig.SetConfigTemplate(template)
	serverconfig.WriteConfigFile(filepath.Join(dir, "app.toml"), appConfig)

	client := fmt.Sprintf("chain-id = %q\nkeyring-backend = %q\noutput = \"text\"\nnode = %q\nbroadcast-mode = \"sync\"\n",
		t.chainID, keyring.BackendTest, config.RPC.ListenAddress)
	return os.WriteFile(filepath.Join(dir, "client.toml"), []byte(client), 0o600)
}
