// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/gpu/opencl"

	providertypes "github.com/athnet/ath/x/providers/types"
)

const nodeWait = 5 * time.Second

func initCommand(a *app) *cobra.Command {
	var recover bool
	cmd := &cobra.Command{
		Use: "init", Short: "Make the keys and a configuration file; what exists stays as it is", Args: cobra.NoArgs,
		Example: `  ath-worker init
  ath-worker init --recover < words.txt     # the operator key from a wallet's words`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			operator, err := a.ensureOperator(cmd.InOrStdin(), recover)
			if err != nil {
				return err
			}
			key, err := a.workerKey()
			if _, serr := os.Stat(a.path(worker.FileWorkerKey)); errors.Is(serr, fs.ErrNotExist) {
				key, err = worker.NewWorkerKey(a.path(worker.FileWorkerKey))
			}
			if err != nil {
				return err
			}
			if err := a.ensureConfig(cmd); err != nil {
				return err
			}
			answer := struct {
				Home      string `json:"home"`
				Operator  string `json:"operator"`
				WorkerKey string `json:"worker_key"`
			}{a.home, operator.Address(), hex.EncodeToString(key.Public().(ed25519.PublicKey))}
			return a.print(cmd, answer, func(w io.Writer) {
				fmt.Fprintf(w, "home        %s\noperator    %s\nworker key  %s\n", answer.Home, answer.Operator, answer.WorkerKey)
			})
		},
	}
	cmd.Flags().BoolVar(&recover, "recover", false, "read the operator key's words from standard input")
	return cmd
}

func (a *app) ensureOperator(in io.Reader, recover bool) (*chain.Key, error) {
	path := a.path(worker.FileOperatorKey)
	if _, err := os.Stat(path); err == nil {
		if recover {
			return nil, fmt.Errorf("%s exists; move it away before another key takes its place", path)
		}
		return a.operatorKey()
	}
	var key *chain.Key
	var err error
	if recover {
		words, rerr := bufio.NewReader(in).ReadString('\n')
		if rerr != nil && !errors.Is(rerr, io.EOF) {
			return nil, fmt.Errorf("read words: %w", rerr)
		}
		key, err = chain.KeyFromMnemonic(strings.TrimSpace(words))
	} else {
		key, err = chain.NewKey()
	}
	if err != nil {
		return nil, err
	}
	return key, key.Save(path)
}

// ensureConfig writes the settings that were given, so that start needs no flags.
func (a *app) ensureConfig(cmd *cobra.Command) error {
	path := a.path(worker.FileConfig)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	c := a.Worker
	_, err = fmt.Fprintf(f, `# Configuration of ath-worker. Every flag of "ath-worker start --help" may stand here; flags and variables
# (ATH_WORKER_…) take precedence.
grpc: %q
rpc: %q
chain-id: %q
gas-price: %q
endpoint: %q
listen: %q
local: %q
region: %q
class: %q
ports: %q
`, c.GRPC, c.RPC, c.ChainID, c.GasPrice, c.Endpoint, c.Listen, c.Local, c.Region, c.Class, c.Ports)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	a.say(cmd, "wrote %s", path)
	return nil
}

func deviceCommand(a *app) *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List the accelerators that drivers show", Args: cobra.NoArgs, Example: "  ath-worker device list --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.measure(cmd.Context())
			if err != nil {
				return err
			}
			for _, n := range m.Notes {
				a.say(cmd, "note: %s", n)
			}
			devices := m.Devices
			if devices == nil {
				devices = []gpu.Device{}
			}
			return a.print(cmd, devices, func(w io.Writer) {
				for _, d := range devices {
					fmt.Fprintf(w, "%-4s %-40s %8d MiB  %s  %s  %s\n", d.Kind, d.Model, d.VRAMMiB, d.Compute, d.Driver, d.ID)
				}
			})
		},
	}
	cmd := &cobra.Command{Use: "device", Short: "Look at accelerators"}
	raw := &cobra.Command{
		Use: "opencl", Short: "Ask OpenCL alone, in JSON", Args: cobra.NoArgs, Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			devices, err := opencl.New().Devices(cmd.Context())
			if err != nil {
				return err
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(devices)
		},
	}
	clear := &cobra.Command{
		Use: "clear ID", Short: "Forget the critical errors of a device, after it was reset or repaired", Args: cobra.ExactArgs(1),
		Long: `A critical error (XID) that the driver has told keeps a device off the market until the machine is restarted, even over restarts of
the worker. Reset or repair the device with the worker stopped, then clear it; a restart of the machine clears it by itself.`,
		Example: "  nvidia-smi --gpu-reset -i 0\n  ath-worker device clear GPU-5f2b…",
		RunE: func(cmd *cobra.Command, args []string) error {
			db, err := store.OpenBolt(a.path(worker.FileStore))
			if err != nil {
				return err
			}
			defer db.Close()
			if err := worker.ClearDevice(db, args[0]); err != nil {
				return err
			}
			a.say(cmd, "device %s: its errors are forgotten", args[0])
			return nil
		},
	}
	cmd.AddCommand(list, clear, raw)
	return cmd
}

func specCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "spec", Aliases: []string{"fingerprint"}, Short: "Measure this machine: what a registration would say, and its fingerprint", Args: cobra.NoArgs,
		Example: "  ath-worker spec\n  ath-worker fingerprint --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.Worker.Validate(); err != nil {
				return err
			}
			m, err := a.measure(cmd.Context())
			if err != nil {
				return err
			}
			for _, n := range m.Notes {
				a.say(cmd, "note: %s", n)
			}
			spec, err := m.Spec(cmd.Context(), a.Worker)
			if err != nil {
				return err
			}
			answer := struct {
				Fingerprint string             `json:"fingerprint"`
				Spec        providertypes.Spec `json:"spec"`
			}{hex.EncodeToString(m.Fingerprint), spec}
			return a.print(cmd, answer, func(w io.Writer) {
				fmt.Fprintf(w, "fingerprint  %s\nplatform     %s\nprocessor    %s, %d.%03d cores offered\nmemory       %d MiB offered of %d\ndisk         %d MiB offered of %d\n",
					answer.Fingerprint, spec.Platform, spec.CpuModel, spec.CpuMilli/1000, spec.CpuMilli%1000, spec.MemoryMib, m.Machine.MemoryMiB, spec.DiskMib, m.Machine.DiskMiB)
				if spec.Gpus > 0 {
					fmt.Fprintf(w, "gpu          %d × %s, %d MiB, %s, %s\n", spec.Gpus, spec.GpuModel, spec.VramMib, spec.Compute, spec.Driver)
				} else {
					fmt.Fprintf(w, "throughput   %d million int8 multiply-adds per second\n", spec.Throughput)
				}
			})
		},
	}
}

func registerCommand(a *app) *cobra.Command {
	var ownerKey string
	var yes bool
	cmd := &cobra.Command{
		Use: "register", Short: "Put this machine on chain and bond its stake; says exactly what is signed first", Args: cobra.NoArgs,
		Long: `Registers the provider where it does not exist, lets the operator key act for it, and registers this machine as a Container.
The owner's key signs, because the owner's coins are bonded; on a development network owner and operator are one key.
Registering again updates endpoint and region.`,
		Example: `  ath-worker register --endpoint gpu1.example.org:7443 --region eu-de-fra
  ath-worker register --owner-key /media/usb/owner.json --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, err := a.dial(ctx, nodeWait)
			if err != nil {
				return err
			}
			defer client.Close()
			if _, err := a.register(ctx, cmd, client, ownerKey, yes); err != nil {
				return err
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&ownerKey, "owner-key", "", "key file of the provider's owner; the operator key where empty")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "sign without asking")
	return cmd
}

// registrar returns what registers, and the key that signs: the owner's.
func (a *app) registrar(client *chain.Client, ownerKey string) (worker.Registrar, *chain.Key, error) {
	operator, err := a.operatorKey()
	if err != nil {
		return worker.Registrar{}, nil, err
	}
	key, err := a.workerKey()
	if err != nil {
		return worker.Registrar{}, nil, err
	}
	signer := operator
	if ownerKey != "" {
		if signer, err = chain.LoadKey(ownerKey); err != nil {
			return worker.Registrar{}, nil, err
		}
	}
	owner := a.owner(signer.Address())
	return worker.Registrar{Client: client, Config: a.Worker, Key: key, Operator: operator.Address(), Owner: owner}, signer, nil
}

func (a *app) register(ctx context.Context, cmd *cobra.Command, client *chain.Client, ownerKey string, yes bool) (uint64, error) {
	r, signer, err := a.registrar(client, ownerKey)
	if err != nil {
		return 0, err
	}
	m, err := a.measure(ctx)
	if err != nil {
		return 0, err
	}
	plan, err := r.Plan(ctx, m)
	if err != nil {
		return 0, err
	}
	if len(plan.Msgs) > 0 {
		if signer.Address() != r.Owner {
			return 0, fmt.Errorf("%s has to sign this; give its key with --owner-key", r.Owner)
		}
		for _, s := range plan.Steps {
			a.say(cmd, "will %s", s)
		}
		if !yes && !confirm(cmd) {
			return 0, errors.New("nothing was signed")
		}
		sender, err := a.sender(client, signer)
		if err != nil {
			return 0, err
		}
		if _, err := sender.Send(ctx, plan.Msgs...); err != nil {
			return 0, fmt.Errorf("register: %w", err)
		}
	}
	view, err := r.Find(ctx)
	if err != nil {
		return 0, err
	}
	answer := struct {
		Container uint64 `json:"container"`
		Owner     string `json:"owner"`
		Class     string `json:"class"`
		Stake     string `json:"stake"`
		State     string `json:"state"`
	}{view.Container.Id, r.Owner, view.Container.Class, view.Stake.String() + "uath", view.Status.State.String()}
	return view.Container.Id, a.print(cmd, answer, func(w io.Writer) {
		fmt.Fprintf(w, "container  %d\nowner      %s\nclass      %s\nbonded     %s\nstate      %s\n", answer.Container, answer.Owner, answer.Class, answer.Stake, answer.State)
	})
}

func confirm(cmd *cobra.Command) bool {
	fmt.Fprint(cmd.ErrOrStderr(), "sign? [y/N] ")
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && line == "" {
		return false
	}
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes"
}
