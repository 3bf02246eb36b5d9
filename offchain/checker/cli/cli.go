// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of ath-checker.
package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/checker"
	"github.com/athnet/ath/offchain/checker/probe"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/daemon/verb"
	"github.com/athnet/ath/offchain/store"
)

// Config of ath-checker.
type Config struct {
	verb.Settings
	Sweeps       int           `name:"sweeps" default:"3" usage:"probes of every Container per round"`
	Concurrency  int           `name:"concurrency" default:"64" usage:"probes at one time"`
	ProbeTimeout time.Duration `name:"probe-timeout" default:"5s" usage:"longest time of one probe"`
	MaxLag       int64         `name:"max-lag" default:"20" usage:"age in blocks of a worker's block that still counts as recent"`
	KeepRounds   uint64        `name:"keep-rounds" default:"96" usage:"rounds whose evidence is kept and served"`
}

func (c Config) validate() error {
	for name, ok := range map[string]bool{
		"sweeps: want 1 to 60": c.Sweeps >= 1 && c.Sweeps <= 60, "concurrency: want 1 to 4096": c.Concurrency >= 1 && c.Concurrency <= 4096,
		"probe-timeout: want 100ms to 1m": c.ProbeTimeout >= 100*time.Millisecond && c.ProbeTimeout <= time.Minute,
		"max-lag: want 1 to 1000":         c.MaxLag >= 1 && c.MaxLag <= 1000, "keep-rounds: want at least 2": c.KeepRounds >= 2,
	} {
		if !ok {
			return fmt.Errorf("configuration: %s", name)
		}
	}
	return nil
}

// Command is the root command.
func Command() (*cobra.Command, error) {
	c := &Config{}
	root, err := verb.Root("ath-checker", "Checks Containers for a licence operator", "127.0.0.1:7700", c, &c.Settings)
	if err != nil {
		return nil, err
	}
	root.AddCommand(startCommand(c), licenceCommand(c), checkCommand(c))
	return root, nil
}

// node is what every verb that speaks to the chain needs.
type node struct {
	key    *chain.Key
	client *chain.Client
	sender *chain.Sender
}

func (c *Config) open(ctx context.Context, wait time.Duration, log *slog.Logger) (*node, error) {
	key, err := c.Key()
	if err != nil {
		return nil, err
	}
	client, err := c.Node(ctx, wait, log)
	if err != nil {
		return nil, err
	}
	sender, err := chain.NewSender(client, key, chain.SenderConfig{GasPrice: c.GasPrice})
	if err != nil {
		client.Close()
		return nil, err
	}
	return &node{key: key, client: client, sender: sender}, nil
}

func startCommand(c *Config) *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "Check Containers until stopped", Args: cobra.NoArgs,
		Example: "  ath-checker start --rpc http://127.0.0.1:26657 --grpc 127.0.0.1:9090",
		RunE:    func(cmd *cobra.Command, _ []string) error { return start(cmd, c) },
	}
}

func start(cmd *cobra.Command, c *Config) (err error) {
	if err := c.validate(); err != nil {
		return err
	}
	log, err := daemon.NewLogger(cmd.ErrOrStderr(), c.LogConfig)
	if err != nil {
		return err
	}
	ctx, stop := daemon.Signals(cmd.Context(), log)
	defer stop()
	defer func() { err = daemon.Ended(ctx, err) }()
	n, err := c.open(ctx, c.Wait, log)
	if err != nil {
		return err
	}
	defer n.client.Close()
	db, err := store.OpenBolt(filepath.Join(c.Home, "checker.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	registry := daemon.NewRegistry("ath-checker")
	health := daemon.NewHealth("ath-checker", clock.Real, checker.Warnables()...)
	health.Fact("operator", n.key.Address())
	health.Fact("chain", n.client.ChainID())
	daemonOf, err := checker.New(checker.Options{
		Chain: n.client, Sender: n.sender, Store: db, Clock: clock.Real, Log: log, Health: health, Metrics: checker.NewMetrics(registry),
		Prober: probe.Prober{ChainID: n.client.ChainID(), Timeout: c.ProbeTimeout, Clock: clock.Real},
		Sweeps: c.Sweeps, Concurrency: c.Concurrency, MaxLag: c.MaxLag, KeepRounds: c.KeepRounds,
	})
	if err != nil {
		return err
	}
	l, err := daemon.Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	log.Info("checking", "operator", n.key.Address(), "chain", n.client.ChainID(), "listen", l.Addr().String())
	return daemon.Run(ctx, log,
		daemon.Actor{Name: "checker", Run: daemonOf.Run},
		daemon.ServeHTTP(l, daemonOf.Handler(registry)),
	)
}
