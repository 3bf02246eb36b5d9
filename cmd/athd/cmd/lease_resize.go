// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	leases "github.com/athnet/ath/x/leases/types"
)

// sizes are a resize's flags.
type sizes struct {
	service, cpu, memory, storage string
	count                         uint
	gpus                          uint32
	volumes                       map[string]string
}

func leaseResizeCommand() *cobra.Command {
	var o sizes
	cmd := withTenant(&cobra.Command{
		Use:   "resize LEASE",
		Short: "Give a service of a lease more or less of its Container",
		Long: "resize takes the manifest that the lease runs back from its worker, checks it against the chain, changes the numbers named and hands it in " +
			"again, as `athd lease update --file` does with a changed file; the file that you deployed does not change. Other services run on, and " +
			"so does this one where only its CPU or memory changes and it has no GPU.\n\n" +
			"Persistent volumes keep their data. Storage grows where the Container has it; what is in use can't be taken away.",
		Example: "  athd lease resize 1 --cpu 2 --memory 4Gi\n  athd lease resize 1 --service web --count 3\n  athd lease resize 1 --service db --volume data=50Gi",
		Args:    cobra.ExactArgs(1),
	}, func(cmd *cobra.Command, t *tenant, args []string, asJSON bool) error {
		id, err := t.leaseID(args[0])
		if err != nil {
			return err
		}
		s, err := t.status(cmd.Context(), id)
		if err != nil {
			return err
		}
		if s.Lease == nil {
			return fmt.Errorf("lease %s has ended: deploy anew", id)
		}
		have, err := t.manifestOf(cmd, s)
		if err != nil {
			return err
		}
		want, err := o.apply(cmd, have)
		if err != nil {
			return err
		}
		canonical, completes, err := t.hand(cmd.Context(), cmd.ErrOrStderr(), id, s, want)
		if err != nil {
			return err
		}
		msg := &leases.MsgUpdateLease{Tenant: t.signer.address, LeaseId: id.String(), ManifestHash: manifest.Hash(canonical), Completes: completes}
		if bytes.Equal(msg.ManifestHash, s.Lease.ManifestHash) {
			return fmt.Errorf("%s has these sizes: nothing to change", id)
		}
		tx, err := t.Sender.Send(cmd.Context(), msg)
		if err != nil {
			return err
		}
		var answer leases.MsgUpdateLeaseResponse
		if err := tx.Response(0, &answer); err != nil {
			return err
		}
		return printChanged(cmd, asJSON, answer.Lease, tx.Hash, "resized; athd lease status says once it is done")
	})
	f := cmd.Flags()
	f.StringVar(&o.service, "service", "", "service of the file; the only one where there is one")
	f.UintVar(&o.count, "count", 0, "replicas")
	f.StringVar(&o.cpu, "cpu", "", "CPU of each replica, such as 0.5, 2 or 500m")
	f.StringVar(&o.memory, "memory", "", "memory of each replica, such as 512Mi or 4Gi")
	f.StringVar(&o.storage, "storage", "", "storage of each replica beside its volumes, such as 10Gi")
	f.Uint32Var(&o.gpus, "gpus", 0, "GPUs of each replica")
	f.StringToStringVar(&o.volumes, "volume", nil, "size of a volume of each replica by its name, such as data=50Gi or shm=1Gi")
	return cmd
}

// manifestOf takes a lease's manifest back from its worker, and only the one that is on chain.
func (t *tenant) manifestOf(cmd *cobra.Command, s leaseStatus) (manifest.Manifest, error) {
	var m manifest.Manifest
	client, err := t.Worker(s.Container, access.ScopeManifest)
	if err != nil {
		return m, err
	}
	defer client.Close()
	canonical, err := client.Manifest(cmd.Context(), s.ID)
	if err != nil {
		return m, err
	}
	if !bytes.Equal(manifest.Hash(canonical), s.Lease.ManifestHash) {
		return m, fmt.Errorf("the worker of %s does not have the manifest that the chain names: hand it in with athd lease update --file", s.ID)
	}
	if err := json.Unmarshal(canonical, &m); err != nil {
		return m, fmt.Errorf("read the manifest of %s: %w", s.ID, err)
	}
	return m, nil
}

// apply changes a manifest as the flags say.
func (o sizes) apply(cmd *cobra.Command, m manifest.Manifest) (manifest.Manifest, error) {
	c := manifest.Change{Service: o.service, VolumesMiB: map[string]uint64{}}
	if c.Service == "" {
		var own []string
		for _, s := range m.Services {
			if s.ReplicaOf == "" {
				own = append(own, s.Name)
			}
		}
		if len(own) != 1 {
			return m, fmt.Errorf("--service: want one of %s", strings.Join(own, ", "))
		}
		c.Service = own[0]
	}
	for _, of := range []struct {
		flag, text string
		read       func(string) (uint64, error)
		to         **uint64
	}{
		{"cpu", o.cpu, manifest.ParseCPU, &c.CPUMilli}, {"memory", o.memory, manifest.ParseSize, &c.MemoryMiB}, {"storage", o.storage, manifest.ParseSize, &c.StorageMiB},
	} {
		if !cmd.Flags().Changed(of.flag) {
			continue
		}
		n, err := of.read(of.text)
		if err != nil {
			return m, fmt.Errorf("--%s: %w", of.flag, err)
		}
		*of.to = &n
	}
	if cmd.Flags().Changed("count") {
		c.Count = &o.count
	}
	if cmd.Flags().Changed("gpus") {
		c.GPUs = &o.gpus
	}
	for _, name := range slices.Sorted(maps.Keys(o.volumes)) {
		n, err := manifest.ParseSize(o.volumes[name])
		if err != nil {
			return m, fmt.Errorf("--volume %s: %w", name, err)
		}
		c.VolumesMiB[name] = n
	}
	return m.Resize(c)
}
