// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/localnet"
)

// figure is one measured value, as build/bench.json has it.
type figure struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	How   string  `json:"how"`
}

type figures map[string]figure

func benchCommand(load func() (*localnet.Network, error)) *cobra.Command {
	var out, only string
	var deploys int
	var story, chain, network bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure request to first byte, transactions per lease, the worker's memory, the whole story's time",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if deploys < 1 || deploys > 1000 {
				return fmt.Errorf("--deploys %d: want 1 to 1000", deploys)
			}
			n, err := load()
			if err != nil {
				return err
			}
			fs := figures{}
			if chain {
				if err := fs.chain(cmd.Context(), n.Root, only, cmd.ErrOrStderr()); err != nil {
					return err
				}
			}
			if network {
				if err := fs.all(cmd.Context(), n, story, deploys, cmd.ErrOrStderr()); err != nil {
					return err
				}
			}
			if err := fs.keep(out); err != nil {
				return err
			}
			return fs.report(cmd.OutOrStdout(), out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "build/bench.json", "where the figures are written")
	cmd.Flags().IntVar(&deploys, "deploys", 11, "leases that are opened one after the other")
	cmd.Flags().BoolVar(&story, "story", true, "time a whole `run --once` first")
	cmd.Flags().BoolVar(&chain, "chain", true, "measure the chain alone; needs Go, but neither a network nor Docker")
	cmd.Flags().StringVar(&only, "only", "", "of the chain, the one benchmark BenchmarkFigure… of this name, such as Channels; all if empty")
	cmd.Flags().BoolVar(&network, "network", true, "measure on a network with a worker; needs Docker")
	return cmd
}

// all measures what needs the whole network and its programs.
func (fs figures) all(ctx context.Context, n *localnet.Network, story bool, deploys int, talk io.Writer) error {
	if story {
		if err := fs.story(ctx); err != nil {
			return err
		}
	}
	if err := fs.network(ctx, n, deploys, talk); err != nil {
		return err
	}
	return fs.binary(filepath.Join(n.Root, "build", "ath-worker"))
}

// story times what `make run ONCE=1` does once everything is built.
func (fs figures) story(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	begin := time.Now()
	cmd := exec.CommandContext(ctx, self, "run", "--once")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTime
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run --once: %w\n%s", err, out)
	}
	fs["run_once_warm_s"] = figure{round(time.Since(begin).Seconds(), 1), "s", "wall clock of `make run ONCE=1` with everything built"}
	return nil
}

// network measures on a fresh network.
func (fs figures) network(ctx context.Context, n *localnet.Network, deploys int, talk io.Writer) (err error) {
	n.Say = func(line string) { fmt.Fprintln(talk, " ", line) }
	if err := n.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, n.Stop(stop))
	}()
	rss, err := residentMiB(n.PID(localnet.WorkerP))
	if err != nil {
		return err
	}
	fs["worker_idle_rss_mib"] = figure{rss, "MiB", "VmRSS of ath-worker, registered and checked, without a lease"}
	file, err := n.WriteManifest("web", "bench.yaml")
	if err != nil {
		return err
	}
	var total, steps []time.Duration
	tenant, provider := 0, 0
	for i := range deploys {
		wall, result, err := oneDeploy(ctx, n, file)
		if err != nil {
			return err
		}
		fmt.Fprintf(talk, "  deploy %2d: %4d ms  %v\n", i, wall.Milliseconds(), result.Timings)
		if i > 0 { // the first pulls the image
			total = append(total, wall)
			steps = append(steps, step(result, "included"))
		}
		t, p, err := n.CountTxs(ctx, result)
		if err != nil {
			return err
		}
		tenant, provider = max(tenant, t), max(provider, p)
	}
	fs["request_to_running_p50_ms"] = figure{float64(percentile(total, 50).Milliseconds()), "ms", "wall clock of the process `athd deploy`, which ends with the workload's first byte; image present, 1 s blocks, random phase"}
	fs["request_to_running_p90_ms"] = figure{float64(percentile(total, 90).Milliseconds()), "ms", "the same"}
	fs["request_to_included_p50_ms"] = figure{float64(percentile(steps, 50).Milliseconds()), "ms", "of it until the lease is in a block"}
	fs["txs_per_lease_tenant"] = figure{float64(tenant), "txs", "transactions that the tenant signed from request to running, the most of all leases"}
	fs["txs_per_lease_provider_to_active"] = figure{float64(provider), "txs", "transactions of the provider about the lease up to the block in which it is active"}
	return nil
}

// oneDeploy deploys, and closes the lease again.
func oneDeploy(ctx context.Context, n *localnet.Network, file string) (time.Duration, deploy.Result, error) {
	var result deploy.Result
	if err := n.AwaitFree(ctx); err != nil {
		return 0, result, err
	}
	// Requests come at any moment between two blocks.
	time.Sleep(time.Duration(rand.Int64N(int64(n.Config.BlockTime))))
	begin := time.Now()
	out, err := n.Athd(ctx, n.Config.Tenant, "deploy", file, "--output", "json")
	wall := time.Since(begin)
	if err != nil {
		return 0, result, err
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		return 0, result, fmt.Errorf("read the answer of athd deploy: %w", err)
	}
	_, err = n.Athd(ctx, n.Config.Tenant, "lease", "close", result.LeaseID)
	return wall, result, err
}

// binary looks into a program for packages that must not be in it; names of functions stay in stripped programs.
func (fs figures) binary(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("look into the worker: %w", err)
	}
	links := 0.0
	for _, pkg := range []string{"github.com/cosmos/cosmos-sdk/baseapp.", "github.com/cosmos/iavl."} {
		if bytes.Contains(b, []byte(pkg)) {
			links = 1
		}
	}
	fs["worker_links_baseapp"] = figure{links, "0 or 1", "whether functions of baseapp or IAVL are in the program ath-worker"}
	fs["worker_binary_mib"] = figure{round(float64(len(b))/(1<<20), 1), "MiB", "size of ath-worker"}
	return nil
}

func (fs figures) report(w io.Writer, path string) error {
	b, err := json.MarshalIndent(fs, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	names := make([]string, 0, len(fs))
	for name := range fs {
		names = append(names, name)
	}
	slices.Sort(names)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "FIGURE\tVALUE\tUNIT\tHOW (%s/%s, %d cores)\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, name := range names {
		fmt.Fprintf(t, "%s\t%g\t%s\t%s\n", name, fs[name].Value, fs[name].Unit, fs[name].How)
	}
	return t.Flush()
}

func step(r deploy.Result, name string) time.Duration {
	for _, t := range r.Timings {
		if t.Step == name {
			return time.Duration(t.MS) * time.Millisecond
		}
	}
	return 0
}

// percentile by nearest rank.
func percentile(ds []time.Duration, p int) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(ds))
	return s[max(0, (len(s)*p+99)/100-1)]
}

func residentMiB(pid int) (float64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("memory of the worker: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return round(kib/1024, 1), err
		}
	}
	return 0, errors.New("memory of the worker: no VmRSS in its status")
}

func round(v float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return r
}
