// SPDX-License-Identifier: Apache-2.0

// Package verb holds the commands that the daemons have in common: key, health, version, and the settings of every one of them.
//
// stdout is the answer, stderr is everything else; --json makes the answer JSON with stable names.
package verb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/group"
	athtypes "github.com/athnet/ath/x/ath/types"
)

// Settings that every daemon has.
type Settings struct {
	Home     string        `name:"home" usage:"directory with configuration, key and state"`
	GRPC     string        `name:"grpc" default:"127.0.0.1:9090" usage:"gRPC address of a node; tls:// in front for TLS"`
	RPC      string        `name:"rpc" default:"http://127.0.0.1:26657" usage:"CometBFT URL of the same node"`
	ChainID  string        `name:"chain-id" usage:"refuse nodes of other chains"`
	Wait     time.Duration `name:"wait" default:"30s" usage:"how long to wait for the node at start"`
	KeyFile  string        `name:"key-file" usage:"file of the account key (default <home>/key.json)"`
	GasPrice string        `name:"gas-price" default:"0.001uath" usage:"fee per unit of gas; none where empty"`
	Listen   string        `name:"listen" usage:"address of health, metrics and API"`
	JSON     bool          `name:"json" usage:"answer in JSON"`
	daemon.LogConfig
	program string
}

// KeyPath is where the account key is.
func (s Settings) KeyPath() string {
	if s.KeyFile != "" {
		return s.KeyFile
	}
	return filepath.Join(s.Home, "key.json")
}

// Key loads the account key.
func (s Settings) Key() (*chain.Key, error) {
	if _, err := os.Stat(s.KeyPath()); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no key at %s: make one with `%s key add`", s.KeyPath(), s.program)
	}
	return chain.LoadKey(s.KeyPath())
}

// Node dials the node.
func (s Settings) Node(ctx context.Context, wait time.Duration, log *slog.Logger) (*chain.Client, error) {
	return chain.Dial(ctx, chain.Config{GRPC: s.GRPC, RPC: s.RPC, ChainID: s.ChainID, Wait: wait, Log: log})
}

// Answer writes v as JSON, or text for people.
func (s Settings) Answer(w io.Writer, v any, text func(io.Writer)) error {
	if !s.JSON {
		text(w)
		return nil
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Root is a daemon's root command. target points to the configuration, settings into it; both are filled before a verb runs, in the
// order flag, environment, <home>/config.yaml, default.
func Root(name, short, listen string, target any, settings *Settings) (*cobra.Command, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	settings.program = name
	settings.Home, settings.Listen = filepath.Join(home, "."+name), listen
	root := &cobra.Command{Use: name, Short: short, SilenceUsage: true, SilenceErrors: true}
	prefix := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	config, err := daemon.Bind(root.PersistentFlags(), prefix, target)
	if err != nil {
		return nil, err
	}
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		athtypes.SetPrefixes()
		// The home decides where the file is, so it is resolved first.
		if value, ok := os.LookupEnv(prefix + "_HOME"); ok && !cmd.Flags().Changed("home") {
			settings.Home = value
		}
		return config.Resolve(cmd.Flags(), filepath.Join(settings.Home, "config.yaml"), false, os.LookupEnv)
	}
	root.AddCommand(keyCommand(settings), healthCommand(settings), versionCommand(settings))
	return root, nil
}

// Main runs a command and returns the exit code.
func Main(ctx context.Context, cmd *cobra.Command, args []string) int {
	group.Strict(cmd)
	cmd.SetArgs(args)
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", cmd.Name(), chain.Text(err))
		return 1
	}
	return 0
}

func keyCommand(s *Settings) *cobra.Command {
	key := &cobra.Command{Use: "key", Short: "The account key of this daemon"}
	var fromStdin bool
	add := &cobra.Command{
		Use: "add", Short: "Make a key, or import one from the standard input", Args: cobra.NoArgs,
		Example: "  key add\n  key add --import < mnemonic.txt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := chain.NewKey()
			if fromStdin {
				k, err = importKey(cmd.InOrStdin())
			}
			if err != nil {
				return err
			}
			if err := k.Save(s.KeyPath()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "key written to %s; keep a copy, it cannot be made again\n", s.KeyPath())
			return printKey(s, cmd, k)
		},
	}
	add.Flags().BoolVar(&fromStdin, "import", false, "read a mnemonic or 64 hex digits from the standard input")
	show := &cobra.Command{
		Use: "show", Short: "Show the address", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, err := s.Key()
			if err != nil {
				return err
			}
			return printKey(s, cmd, k)
		},
	}
	key.AddCommand(add, show)
	return key
}

func importKey(r io.Reader) (*chain.Key, error) {
	b, err := io.ReadAll(io.LimitReader(r, 1<<12))
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if k, err := chain.KeyFromHex(string(b)); err == nil {
		return k, nil
	}
	return chain.KeyFromMnemonic(string(b))
}

func printKey(s *Settings, cmd *cobra.Command, k *chain.Key) error {
	return s.Answer(cmd.OutOrStdout(), map[string]string{"address": k.Address()}, func(w io.Writer) { fmt.Fprintln(w, k.Address()) })
}

func healthCommand(s *Settings) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the running daemon how it is; exit code 1 where it is not healthy", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := daemon.FetchHealth(cmd.Context(), s.Listen, "--listen")
			if err != nil {
				return err
			}
			if err := s.Answer(cmd.OutOrStdout(), r, r.Print); err != nil {
				return err
			}
			if !r.Healthy {
				return fmt.Errorf("%s is not healthy", r.Daemon)
			}
			return nil
		},
	}
}

func versionCommand(s *Settings) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Say what build this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := daemon.ReadBuild()
			return s.Answer(cmd.OutOrStdout(), b, func(w io.Writer) { fmt.Fprintf(w, "%s %s (%s)\n", b.Version, b.Commit, b.Go) })
		},
	}
}

// Check is one line of a `check` verb.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// RunChecks prints the checks and fails where one does.
func RunChecks(s *Settings, cmd *cobra.Command, checks []Check) error {
	failed := 0
	for _, c := range checks {
		if !c.OK {
			failed++
		}
	}
	err := s.Answer(cmd.OutOrStdout(), checks, func(w io.Writer) {
		for _, c := range checks {
			mark := "ok  "
			if !c.OK {
				mark = "FAIL"
			}
			fmt.Fprintf(w, "%s  %-10s %s\n", mark, c.Name, c.Detail)
		}
	})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	return err
}

// Of makes a check of a step: its detail on success, or its error.
func Of(name, detail string, err error) Check {
	if err != nil {
		return Check{Name: name, Detail: err.Error()}
	}
	return Check{Name: name, OK: true, Detail: detail}
}
