// SPDX-License-Identifier: Apache-2.0

package localnet

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cosmossdk.io/math"
	bip39 "github.com/cosmos/go-bip39"
	"gopkg.in/yaml.v3"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
)

// Config is config.yml.
type Config struct {
	ChainID   string        `yaml:"chain_id"`
	BlockTime time.Duration `yaml:"block_time"`
	Home      string        `yaml:"home"`
	Tenant    string        `yaml:"tenant"`
	Accounts  []Account     `yaml:"accounts"`
	// DAO is what its row of the vault holds at genesis; nothing where empty.
	DAO        string      `yaml:"dao"`
	Validators []Validator `yaml:"validators"`
	// Price of an ATH in USD that the validator votes for; it says none where empty.
	Price    string   `yaml:"price"`
	Ports    Ports    `yaml:"ports"`
	Worker   Worker   `yaml:"worker"`
	Checkers []string `yaml:"checkers"`
	Indexer  string   `yaml:"indexer"`
	// Genesis is laid over the default genesis file.
	Genesis map[string]any `yaml:"genesis"`
}

// Account holds coins at genesis.
type Account struct {
	Name string `yaml:"name"`
	// Coins such as 1000ath.
	Coins string `yaml:"coins"`
	// Stable is what it has of another denom, such as 1000000uusdc.
	Stable string `yaml:"stable"`
	// Locked of the coins are free bit by bit over LockedFor from the start of the network.
	Locked    string        `yaml:"locked"`
	LockedFor time.Duration `yaml:"locked_for"`
	// Mnemonic of the key; derived from chain-id and name where empty.
	Mnemonic string `yaml:"mnemonic"`
}

// Validator bonds a stake at genesis.
type Validator struct {
	Account string `yaml:"account"`
	Stake   string `yaml:"stake"`
}

// Ports on 127.0.0.1.
type Ports struct {
	RPC          int    `yaml:"rpc"`
	P2P          int    `yaml:"p2p"`
	GRPC         int    `yaml:"grpc"`
	REST         int    `yaml:"rest"`
	Worker       int    `yaml:"worker"`
	WorkerHealth int    `yaml:"worker_health"`
	Indexer      int    `yaml:"indexer"`
	Registry     int    `yaml:"registry"`
	Checkers     int    `yaml:"checkers"`
	Workloads    [2]int `yaml:"workloads"`
}

// Worker is the machine that is rented out.
type Worker struct {
	Account string `yaml:"account"`
	Price   string `yaml:"price"`
	Region  string `yaml:"region"`
	// Machines are accounts of providers with a machine of their own each, which this one stands in for: their workers share its engine.
	Machines []string `yaml:"machines"`
}

// Load reads a configuration; unknown entries are errors.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration of the local network: %w", err)
	}
	defer f.Close()
	return read(path, f)
}

func read(path string, r io.Reader) (*Config, error) {
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	var c Config
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	home, err := filepath.Abs(c.Home)
	if err != nil {
		return nil, fmt.Errorf("%s: home: %w", path, err)
	}
	c.Home = home
	return &c, nil
}

func (c *Config) validate() error {
	if c.ChainID == "" || c.Home == "" || c.BlockTime < 100*time.Millisecond {
		return errors.New("want chain_id, home, and block_time of at least 100ms")
	}
	if len(c.Validators) != 1 {
		return fmt.Errorf("validators: want one, have %d", len(c.Validators))
	}
	var names []string
	for i, a := range c.Accounts {
		if a.Name == "" || slices.Contains(names, a.Name) {
			return fmt.Errorf("accounts[%d].name: want a name that is not there twice, have %q", i, a.Name)
		}
		names = append(names, a.Name)
		coins, err := deploy.ParseAmount(a.Coins)
		if err != nil {
			return fmt.Errorf("accounts[%d].coins: %w", i, err)
		}
		if a.Stable != "" {
			if _, err := deploy.ParseCoin(a.Stable, ""); err != nil {
				return fmt.Errorf("accounts[%d].stable: %w", i, err)
			}
		}
		if a.Locked == "" {
			continue
		}
		locked, err := deploy.ParseAmount(a.Locked)
		if err != nil {
			return fmt.Errorf("accounts[%d].locked: %w", i, err)
		}
		if locked.GT(coins) || a.LockedFor < time.Second {
			return fmt.Errorf("accounts[%d]: want no more locked than its coins, and locked_for of a second or more", i)
		}
	}
	if c.DAO != "" {
		if _, err := deploy.ParseAmount(c.DAO); err != nil {
			return fmt.Errorf("dao: %w", err)
		}
	}
	for field, name := range map[string]string{"validators[0].account": c.Validators[0].Account, "worker.account": c.Worker.Account, "indexer": c.Indexer, "tenant": c.Tenant} {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s: there is no account %q", field, name)
		}
	}
	for i, name := range c.Worker.Machines {
		if !slices.Contains(names, name) || name == c.Worker.Account || slices.Contains(c.Worker.Machines[:i], name) {
			return fmt.Errorf("worker.machines[%d]: want an account of its own, have %q", i, name)
		}
	}
	for i, name := range c.Checkers {
		if !slices.Contains(names, name) {
			return fmt.Errorf("checkers[%d]: there is no account %q", i, name)
		}
	}
	if _, err := deploy.ParseAmount(c.Validators[0].Stake); err != nil {
		return fmt.Errorf("validators[0].stake: %w", err)
	}
	if _, err := deploy.ParsePrice(c.Worker.Price); err != nil {
		return fmt.Errorf("worker.price: %w", err)
	}
	for _, p := range c.Ports.list() {
		if p.number < 1024 || p.number > 65535 {
			return fmt.Errorf("ports.%s: want 1024 to 65535, have %d", p.entry, p.number)
		}
	}
	if c.Ports.Workloads[0] >= c.Ports.Workloads[1] {
		return fmt.Errorf("ports.workloads: want [first, last], have %v", c.Ports.Workloads)
	}
	return nil
}

// key returns an account's key and the mnemonic it comes from.
func (c *Config) key(name string) (*chain.Key, string, error) {
	i := slices.IndexFunc(c.Accounts, func(a Account) bool { return a.Name == name })
	if i < 0 {
		return nil, "", fmt.Errorf("there is no account %q", name)
	}
	words := c.Accounts[i].Mnemonic
	if words == "" {
		entropy := sha256.Sum256([]byte("ath local network key\x00" + c.ChainID + "\x00" + name))
		var err error
		if words, err = bip39.NewMnemonic(entropy[:]); err != nil {
			return nil, "", fmt.Errorf("key of %s: %w", name, err)
		}
	}
	key, err := chain.KeyFromMnemonic(words)
	if err != nil {
		return nil, "", fmt.Errorf("key of %s: %w", name, err)
	}
	return key, words, nil
}

// amount reads coins that validate has seen.
func amount(s string) (math.Int, error) { return deploy.ParseAmount(s) }

type port struct {
	entry  string
	number int
}

// list has every single port with the entry that sets it.
func (p Ports) list() []port {
	return []port{
		{"rpc", p.RPC}, {"p2p", p.P2P}, {"grpc", p.GRPC}, {"rest", p.REST}, {"worker", p.Worker},
		{"worker_health", p.WorkerHealth}, {"indexer", p.Indexer}, {"registry", p.Registry}, {"checkers", p.Checkers},
	}
}

// Shift moves every port, so that a second network can run beside the first.
func (p *Ports) Shift(by int) {
	for _, n := range []*int{&p.RPC, &p.P2P, &p.GRPC, &p.REST, &p.Worker, &p.WorkerHealth, &p.Indexer, &p.Registry, &p.Checkers, &p.Workloads[0], &p.Workloads[1]} {
		*n += by
	}
}
