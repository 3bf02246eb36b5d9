// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/flags"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/worker/api"
)

func leaseMetricsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "metrics LEASE",
		Short:   "Say what a lease uses now: CPU, memory, network, GPUs",
		Example: "  athd lease metrics 1\n  athd lease metrics 1 --output prometheus > lease.prom",
		Args:    cobra.ExactArgs(1),
	}
	addTenantFlags(cmd)
	cmd.Flags().Lookup(flags.FlagOutput).Usage = "form of the answer (text|json|prometheus)"
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		form, _ := cmd.Flags().GetString(flags.FlagOutput)
		if form != "text" && form != "json" && form != "prometheus" {
			return fmt.Errorf("--output %q: want text, json or prometheus", form)
		}
		t, err := openTenant(cmd)
		if err != nil {
			return err
		}
		defer t.close()
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		container, err := t.containerOf(cmd.Context(), id)
		if err != nil {
			return err
		}
		client, err := t.Worker(container, access.ScopeMetrics)
		if err != nil {
			return err
		}
		defer client.Close()
		m, err := client.Metrics(cmd.Context(), id.String())
		if err != nil {
			return err
		}
		return printMetrics(cmd.OutOrStdout(), m, form)
	}
	return cmd
}

func printMetrics(out io.Writer, m api.Metrics, form string) error {
	switch form {
	case "json":
		return printJSON(out, m)
	case "prometheus":
		_, err := io.WriteString(out, m.Prometheus())
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tUP\tRESTARTS\tCPU\tMEMORY\tRECEIVED\tSENT")
	for _, s := range m.Services {
		fmt.Fprintf(w, "%s\t%t\t%d\t%.1fs\t%d MiB\t%d B\t%d B\n", s.Name, s.Up, s.Restarts, s.CPUSeconds, s.MemoryBytes>>20, s.RxBytes, s.TxBytes)
	}
	for _, d := range m.Devices {
		fmt.Fprintf(w, "device %s\t%.0f%% busy\t\t\t%d MiB\t\t\n", d.Device, d.Busy*100, d.MemoryBytes>>20)
	}
	return w.Flush()
}
