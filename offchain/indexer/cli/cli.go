// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of ath-indexer.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/daemon/verb"
	"github.com/athnet/ath/offchain/indexer"
	"github.com/athnet/ath/offchain/indexer/history"
	"github.com/athnet/ath/offchain/indexer/market"
)

// Config of ath-indexer.
type Config struct {
	verb.Settings
	Hold time.Duration `name:"hold" default:"4s" usage:"how long a Container stays reserved for the tenant who was sent to it"`
}

func (c Config) validate() error {
	if c.Hold < 0 || c.Hold > time.Minute {
		return errors.New("configuration: hold: want 0s to 1m")
	}
	return nil
}

// Command is the root command.
func Command() (*cobra.Command, error) {
	c := &Config{}
	root, err := verb.Root("ath-indexer", "Matches tenants with Containers and remembers what happened", "127.0.0.1:7600", c, &c.Settings)
	if err != nil {
		return nil, err
	}
	root.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Follow the chain and answer until stopped", Args: cobra.NoArgs,
			Example: "  ath-indexer start --listen 127.0.0.1:7600",
			RunE:    func(cmd *cobra.Command, _ []string) error { return start(cmd, c) },
		},
		&cobra.Command{
			Use: "check", Short: "Check the setup and exit; code 1 where something is wrong", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return verb.RunChecks(&c.Settings, cmd, checks(cmd.Context(), c))
			},
		},
	)
	return root, nil
}

// key is the Indexer's account, which signs quotes; without one it answers all the same.
func (c *Config) key(log *slog.Logger) (chain.Signer, error) {
	if _, err := os.Stat(c.KeyPath()); errors.Is(err, fs.ErrNotExist) && c.KeyFile == "" {
		log.Warn("no key: answers carry no quotes, so matches earn nothing; `ath-indexer key add` makes one", "path", c.KeyPath())
		return nil, nil
	}
	k, err := chain.LoadKey(c.KeyPath())
	if err != nil {
		return nil, err
	}
	return k, nil
}

func (c *Config) historyPath() string { return filepath.Join(c.Home, "history.sqlite") }

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
	key, err := c.key(log)
	if err != nil {
		return err
	}
	client, err := c.Node(ctx, c.Wait, log)
	if err != nil {
		return err
	}
	defer client.Close()
	db, err := history.Open(ctx, c.historyPath())
	if err != nil {
		return err
	}
	defer db.Close()
	registry := daemon.NewRegistry("ath-indexer")
	health := daemon.NewHealth("ath-indexer", clock.Real, indexer.Warnables()...)
	health.Fact("chain", client.ChainID())
	if key != nil {
		health.Fact("indexer", key.Address())
	}
	x, err := indexer.New(ctx, indexer.Options{
		Chain: client, Market: market.New(clock.Real, c.Hold), History: db, Key: key, Clock: clock.Real, Log: log,
		Health: health, Metrics: indexer.NewMetrics(registry),
	})
	if err != nil {
		return err
	}
	l, err := daemon.Listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	log.Info("indexing", "chain", client.ChainID(), "listen", l.Addr().String())
	return daemon.Run(ctx, log, append(x.Actors(), x.Watch(client.Err), daemon.ServeHTTP(l, x.Handler(registry)))...)
}

func checks(ctx context.Context, c *Config) []verb.Check {
	out := []verb.Check{verb.Of("config", "valid", c.validate())}
	l, err := daemon.Listen(ctx, c.Listen)
	if err == nil {
		err = l.Close()
	}
	out = append(out, verb.Of("listen", c.Listen+" is free", err))
	_, err = c.Key()
	out = append(out, verb.Of("key", c.KeyPath(), err))
	client, err := c.Node(ctx, 0, nil)
	if err != nil {
		return append(out, verb.Of("node", "", err))
	}
	defer client.Close()
	out = append(out, verb.Of("node", client.ChainID(), nil))
	db, err := history.Open(ctx, c.historyPath())
	if err != nil {
		return append(out, verb.Of("history", "", err))
	}
	defer db.Close()
	p, err := db.Verify(ctx, client)
	return append(out, verb.Of("history", fmt.Sprintf("%s, up to block %d", c.historyPath(), p.Height), err))
}
