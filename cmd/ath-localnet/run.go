// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/localnet"
	"github.com/athnet/ath/offchain/localnet/story"
)

// stopTime is how long a stop may take, whatever ended the run.
const stopTime = time.Minute

func runCommand(load func() (*localnet.Network, error)) *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Start the network, play the story of a lease, leave it running until Ctrl-C",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := load()
			if err != nil {
				return err
			}
			return runNetwork(cmd.Context(), n, cmd.OutOrStdout(), once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "play the story, check the whole state, stop")
	return cmd
}

func runNetwork(ctx context.Context, n *localnet.Network, out io.Writer, once bool) (err error) {
	begin := time.Now()
	fmt.Fprintf(out, "\nStarting %s; logs are in %s/logs\n\n", n.Config.ChainID, n.Config.Home)
	n.Say = func(line string) { fmt.Fprintf(out, "  %6.1f s  %s\n", time.Since(begin).Seconds(), line) }
	if err := n.Start(ctx); err != nil {
		return interrupted(ctx, out, err)
	}
	defer func() {
		fmt.Fprintln(out, "\nStopping: daemons, containers, node.")
		// The run's own context has ended by then.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, n.Stop(stop))
		if err == nil {
			fmt.Fprintf(out, "Stopped; nothing is left but the files in %s. %.0f s in all.\n", n.Config.Home, time.Since(begin).Seconds())
		}
	}()
	fmt.Fprintf(out, "\nThe story of a lease, with the chain's own figures:\n\n")
	s, err := story.Play(ctx, n, out, !once)
	if err != nil {
		return interrupted(ctx, out, err)
	}
	if once {
		said, err := n.CheckInvariants(ctx)
		if err != nil {
			return interrupted(ctx, out, err)
		}
		fmt.Fprintf(out, "\nEvery step held. The node is stopped and its whole state checked: %s", said)
		return nil
	}
	printNext(out, n, s)
	return watch(ctx, n)
}

// interrupted turns what a Ctrl-C caused into a clean end.
func interrupted(ctx context.Context, out io.Writer, err error) error {
	if ctx.Err() != nil {
		fmt.Fprintln(out, "\nInterrupted.")
		return nil //nolint:nilerr // the error is what the interruption caused
	}
	return err
}

// watch returns when the person at the keyboard has enough, or a process has ended by itself.
func watch(ctx context.Context, n *localnet.Network) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := n.Failed(); err != nil {
				return err
			}
		}
	}
}

func printNext(out io.Writer, n *localnet.Network, s *story.Story) {
	l := s.Lease()
	number := l.LeaseID[strings.IndexByte(l.LeaseID, '/')+1:]
	url := ""
	if len(l.Endpoints) > 0 {
		url = l.Endpoints[0].URL
	}
	fmt.Fprintf(out, `
The network is up and a lease is open. In another terminal, from this directory:

  %s
  export PATH=$PWD/build:$PATH

  athd lease list                       # your leases
  athd lease status %[2]s                   # on chain and at the worker
  athd lease logs %[2]s --follow            # what the workload prints
  curl %[3]s                # the workload itself, with its limits
  curl '%[3]smultiply?n=300'
  athd lease close %[2]s                    # the bill, to the nanosecond
  athd deploy %[4]s --duration 30s --timings
  athd query ath supply                 # minted, burnt, vault
  athd query ath rewards %[5]s
  athd query checks round               # who checks whom, now
  curl %[6]s/swagger/        # REST documents of the chain

Logs: %[7]s/logs. Ctrl-C stops everything.
`, strings.Join(exports(n), " \\\n    "), number, url, n.Config.Home+"/web.yaml", n.Address(n.Config.Worker.Account),
		fmt.Sprintf("http://127.0.0.1:%d", n.Config.Ports.REST), n.Config.Home)
}

func exports(n *localnet.Network) []string {
	env := n.Env(n.Config.Tenant)
	env[0] = "export " + env[0]
	return env
}
