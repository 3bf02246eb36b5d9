// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line of ath-worker: answers on stdout, talk on stderr, --json for programs.
package cli

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/group"
	"github.com/athnet/ath/offchain/worker"
	"github.com/athnet/ath/offchain/worker/gpu"
)

// app is what every command has in common.
type app struct {
	home string
	json bool
	settings
	log *slog.Logger
}

// settings are flags, variables and lines of config.yaml at once.
type settings struct {
	Worker worker.Config
	Logs   daemon.LogConfig
}

// Root is the command ath-worker.
func Root() *cobra.Command {
	a := &app{}
	root := &cobra.Command{
		Use:   "ath-worker",
		Short: "Rent out this machine: measure it, put it on chain, run what leases ask for",
		Example: `  ath-worker init                          # keys and configuration below ~/.ath-worker
  ath-worker spec                          # what this machine would offer
  ath-worker register                      # says what is bonded, asks, and signs
  ath-worker offer set --price 0.36ath/h   # the standing price
  ath-worker start                         # serve until stopped`,
		SilenceUsage: true, SilenceErrors: true,
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		dir = "."
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", filepath.Join(dir, ".ath-worker"), "directory of keys, configuration and state")
	flags.BoolVar(&a.json, "json", false, "answer in JSON")
	settings, err := daemon.Bind(flags, "ATH_WORKER", &a.settings)
	if err != nil {
		panic(err) // a default that can't be read: a mistake in this program, and every test meets it
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// The home decides where the file is, so it is resolved first.
		if value, ok := os.LookupEnv("ATH_WORKER_HOME"); ok && !cmd.Flags().Changed("home") {
			a.home = value
		}
		if err := settings.Resolve(cmd.Flags(), a.path(worker.FileConfig), false, os.LookupEnv); err != nil {
			return err
		}
		a.Worker.Home = a.home
		var err error
		a.log, err = daemon.NewLogger(cmd.ErrOrStderr(), a.Logs)
		return err
	}
	root.AddCommand(initCommand(a), deviceCommand(a), specCommand(a), registerCommand(a), offerCommand(a), startCommand(a),
		leaseCommand(a), checkCommand(a), healthCommand(a), versionCommand(a))
	group.Strict(root)
	return root
}

// print answers on stdout: JSON for programs, text for people.
func (a *app) print(cmd *cobra.Command, v any, text func(io.Writer)) error {
	if !a.json {
		text(cmd.OutOrStdout())
		return nil
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// say talks on stderr.
func (a *app) say(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
}

func (a *app) path(name string) string { return filepath.Join(a.home, name) }

func (a *app) workerKey() (ed25519.PrivateKey, error) {
	return worker.LoadWorkerKey(a.path(worker.FileWorkerKey))
}

func (a *app) operatorKey() (*chain.Key, error) {
	path := a.path(worker.FileOperatorKey)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no operator key at %s: make one with `ath-worker init`", path)
	}
	return chain.LoadKey(path)
}

// measure looks at the machine. OpenCL is asked by another process of this program, because its drivers stay in memory.
func (a *app) measure(ctx context.Context) (worker.Measured, error) {
	exe, err := os.Executable()
	if err != nil {
		return worker.Measured{}, fmt.Errorf("measure: %w", err)
	}
	home := a.home
	if _, err := os.Stat(home); err != nil {
		home = "." // before init made it
	}
	return worker.Measure(ctx, home, &gpu.Child{Command: exe, Args: []string{"device", "opencl", "--home", a.home}})
}

// owner is the provider's: configured, or the operator itself.
func (a *app) owner(operator string) string {
	if a.Worker.Owner != "" {
		return a.Worker.Owner
	}
	return operator
}

func (a *app) dial(ctx context.Context, wait time.Duration) (*chain.Client, error) {
	return chain.Dial(ctx, chain.Config{GRPC: a.Worker.GRPC, RPC: a.Worker.RPC, ChainID: a.Worker.ChainID, Wait: wait, Log: a.log})
}

func (a *app) sender(client *chain.Client, key *chain.Key) (*chain.Sender, error) {
	return chain.NewSender(client, key, chain.SenderConfig{GasPrice: a.Worker.GasPrice})
}
