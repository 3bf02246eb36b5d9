// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/athnet/ath/offchain/deploy"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// nodeHome is where the validator, and with it the keyring of all accounts, lives.
func (n *Network) nodeHome() string { return filepath.Join(n.Config.Home, "athd") }

func (n *Network) keyFile(account string) string {
	return filepath.Join(n.Config.Home, "keys", account+".json")
}

// makeKeys puts every account's key into athd's keyring, and those of daemons into files of their own.
func (n *Network) makeKeys() error {
	athtypes.SetPrefixes()
	registry := codectypes.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(registry)
	ring, err := keyring.New("ath", keyring.BackendTest, n.nodeHome(), nil, codec.NewProtoCodec(registry))
	if err != nil {
		return fmt.Errorf("open the keyring: %w", err)
	}
	for _, a := range n.Config.Accounts {
		key, words, err := n.Config.key(a.Name)
		if err != nil {
			return err
		}
		if _, err := ring.NewAccount(a.Name, words, "", hd.CreateHDPath(118, 0, 0).String(), hd.Secp256k1); err != nil {
			return fmt.Errorf("key of %s: %w", a.Name, err)
		}
		n.addresses[a.Name] = key.Address()
		if err := key.Save(n.keyFile(a.Name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// makeChain writes the validator's home: configuration and a genesis file.
func (n *Network) makeChain(ctx context.Context) error {
	c, home := n.Config, n.nodeHome()
	athd := func(args ...string) error {
		_, err := run(ctx, nil, n.bin("athd"), append(args, "--home", home)...)
		return err
	}
	if err := athd("init", "local", "--chain-id", c.ChainID); err != nil {
		return err
	}
	if err := n.makeKeys(); err != nil {
		return err
	}
	genesis := filepath.Join(home, "config", "genesis.json")
	if err := editJSON(genesis, func(doc map[string]any) error { overlay(doc, c.Genesis); return nil }); err != nil {
		return err
	}
	type coins []map[string]string
	type funded struct {
		Address string `json:"address"`
		Coins   coins  `json:"coins"`
		Locked  coins  `json:"vesting_amt,omitempty"`
		From    int64  `json:"vesting_start,omitempty"`
		Until   int64  `json:"vesting_end,omitempty"`
	}
	uath := func(text string) (coins, error) {
		sum, err := amount(text)
		return coins{{"denom": athtypes.Denom, "amount": sum.String()}}, err
	}
	var accounts []funded
	for _, a := range c.Accounts {
		held, err := uath(a.Coins)
		if err != nil {
			return err
		}
		if a.Stable != "" {
			coin, err := deploy.ParseCoin(a.Stable, "")
			if err != nil {
				return err
			}
			held = append(held, map[string]string{"denom": coin.Denom, "amount": coin.Amount.String()})
			slices.SortFunc(held, func(a, b map[string]string) int { return strings.Compare(a["denom"], b["denom"]) })
		}
		account := funded{Address: n.addresses[a.Name], Coins: held}
		if a.Locked != "" {
			if account.Locked, err = uath(a.Locked); err != nil {
				return err
			}
			now := time.Now()
			account.From, account.Until = now.Unix(), now.Add(a.LockedFor).Unix()
		}
		accounts = append(accounts, account)
	}
	list := filepath.Join(n.Config.Home, "accounts.json")
	b, err := json.Marshal(accounts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(list, b, 0o644); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	if err := athd("genesis", "bulk-add-genesis-account", list); err != nil {
		return err
	}
	if c.DAO != "" {
		if err := editJSON(genesis, n.grantDAO); err != nil {
			return err
		}
	}
	v := c.Validators[0]
	stake, err := amount(v.Stake)
	if err != nil {
		return err
	}
	if err := athd("genesis", "gentx", v.Account, stake.String()+athtypes.Denom, "--chain-id", c.ChainID, "--keyring-backend", "test"); err != nil {
		return err
	}
	if err := athd("genesis", "collect-gentxs"); err != nil {
		return err
	}
	if err := athd("beacon-key", "init"); err != nil {
		return err
	}
	operator, err := sdk.AccAddressFromBech32(n.addresses[v.Account])
	if err != nil {
		return fmt.Errorf("address of %s: %w", v.Account, err)
	}
	if err := athd("beacon-key", "genesis", sdk.ValAddress(operator).String()); err != nil {
		return err
	}
	return n.writeClientConfig()
}

// grantDAO puts the DAO's coins into the vault: a row of x/ath, the balance behind it, and the supply.
func (n *Network) grantDAO(doc map[string]any) error {
	granted, err := amount(n.Config.DAO)
	if err != nil {
		return err
	}
	state := doc["app_state"].(map[string]any)
	bank, ath := state["bank"].(map[string]any), state["ath"].(map[string]any)
	coins := []any{map[string]any{"denom": athtypes.Denom, "amount": granted.String()}}
	bank["balances"] = append(bank["balances"].([]any), map[string]any{
		"address": authtypes.NewModuleAddress(athtypes.ModuleName).String(), "coins": coins,
	})
	bank["supply"] = []any{} // summed anew from the balances
	ath["rows"] = []any{map[string]any{"row": athtypes.DAORow(), "amount": granted.String()}}
	return nil
}

// writeClientConfig lets `athd --home …` find the node and the keys without flags.
func (n *Network) writeClientConfig() error {
	text := fmt.Sprintf("chain-id = %q\nkeyring-backend = \"test\"\nkeyring-default-keyname = \"\"\noutput = \"text\"\nnode = %q\nbroadcast-mode = \"sync\"\n",
		n.Config.ChainID, "tcp://"+n.address(n.Config.Ports.RPC))
	if err := os.WriteFile(filepath.Join(n.nodeHome(), "config", "client.toml"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write client.toml: %w", err)
	}
	return nil
}

// nodeArgs are the flags that make the default configuration this network's.
func (n *Network) nodeArgs() []string {
	p := n.Config.Ports
	return []string{
		"start", "--home", n.nodeHome(), "--log_no_color", "--log_level", "info",
		"--rpc.laddr", "tcp://" + n.address(p.RPC), "--p2p.laddr", "tcp://" + n.address(p.P2P), "--p2p.pex=false",
		"--grpc.address", n.address(p.GRPC), "--api.address", "tcp://" + n.address(p.REST),
		"--rpc.pprof_laddr", "",
	}
}

// nodeEnv sets what has no flag. Voting takes about 50 ms on one machine; the pause is what is left of a block.
func (n *Network) nodeEnv() []string {
	pause := n.Config.BlockTime - n.Config.BlockTime/20
	env := []string{"ATHD_CONSENSUS_TIMEOUT_COMMIT=" + pause.String()}
	if n.Config.Price != "" {
		env = append(env, "ATHD_PRICE_SOURCE=command", "ATHD_PRICE_FROM=echo "+n.Config.Price)
	}
	return env
}

func (n *Network) address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// overlay lays b over a: mappings are merged, everything else replaces.
func overlay(a, b map[string]any) {
	for key, v := range b {
		if into, ok := a[key].(map[string]any); ok {
			if from, ok := v.(map[string]any); ok {
				overlay(into, from)
				continue
			}
		}
		a[key] = v
	}
}

func editJSON(path string, edit func(map[string]any) error) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("edit %s: %w", filepath.Base(path), err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("edit %s: %w", filepath.Base(path), err)
	}
	if err := edit(doc); err != nil {
		return fmt.Errorf("edit %s: %w", filepath.Base(path), err)
	}
	if b, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return fmt.Errorf("edit %s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, b, 0o644)
}
