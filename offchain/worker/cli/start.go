// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/worker"
	"github.com/athnet/ath/offchain/worker/ingress"
	"github.com/athnet/ath/offchain/worker/machine"
	"github.com/athnet/ath/offchain/worker/runtime/docker"
)

// startWait is how long a worker waits for its node and its engine: all may have been started by one reboot, in any order.
const startWait = 10 * time.Minute

type startOptions struct {
	register bool
	ownerKey string
	offer    asked
}

func startCommand(a *app) *cobra.Command {
	var o startOptions
	cmd := &cobra.Command{
		Use: "start", Short: "Serve: heartbeat, run leases, meter, answer probes", Args: cobra.NoArgs,
		Long: `Serves this machine's Container until stopped. Workloads go on while the worker is down: stopping, killing or updating it
never ends one. Only the chain's word that a lease is closed does.`,
		Example: `  ath-worker start
  ath-worker start --register --price 0.36ath/h     # development: registers and offers by itself`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := daemon.Signals(cmd.Context(), a.log)
			defer cancel()
			return daemon.Ended(ctx, a.start(ctx, cmd, o))
		},
	}
	cmd.Flags().BoolVar(&o.register, "register", false, "register first where the chain does not know this worker")
	cmd.Flags().StringVar(&o.ownerKey, "owner-key", "", "with --register: key file of the provider's owner; the operator key where empty")
	o.offer.prices(cmd, "; set first where the Container has no offer")
	return cmd
}

func (a *app) start(ctx context.Context, cmd *cobra.Command, o startOptions) error {
	// A small heap that is collected often: the machine belongs to its tenants.
	debug.SetGCPercent(50)
	key, err := a.workerKey()
	if err != nil {
		return err
	}
	operator, err := a.operatorKey()
	if err != nil {
		return err
	}
	db, err := store.OpenBolt(a.path(worker.FileStore))
	if err != nil {
		return err
	}
	defer db.Close()
	client, err := a.dial(ctx, startWait)
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := a.measure(ctx)
	if err != nil {
		return err
	}
	var view providertypes.ContainerView
	var lost []string
	measured := m
	if err := chain.Insist(ctx, clock.Real, startWait, a.log, func() (err error) {
		view, m, lost, err = a.container(ctx, cmd, client, db, measured, o)
		return err
	}); err != nil {
		return err
	}
	if err := machine.Prefer(); err != nil {
		a.log.Warn("workloads may slow this worker's answers", "err", err)
	}
	boot, err := machine.Boot()
	if err != nil {
		return err
	}
	rt, err := docker.New(ctx, docker.Config{
		Host: a.Worker.DockerHost, Chain: client.ChainID(), Worker: fmt.Sprintf("%x", view.Container.WorkerPubkey),
		PublishIP: a.Worker.PublishIP, Egress: docker.Mode(a.Worker.Egress), Disk: docker.Mode(a.Worker.DiskLimit), ImageMiB: a.Worker.ImageMiB, NetworkMbps: a.Worker.NetworkMbps, Wait: startWait, Log: a.log,
	})
	if err != nil {
		return err
	}
	defer rt.Close()
	sender, err := a.sender(client, operator)
	if err != nil {
		return err
	}
	node := worker.NewChain(client, sender, view.Container.Class)
	var network worker.Network
	if err := chain.Insist(ctx, clock.Real, startWait, a.log, func() (err error) {
		network, err = node.Network(ctx)
		return err
	}); err != nil {
		return err
	}
	health := daemon.NewHealth("ath-worker", clock.Real, worker.Warnables()...)
	for _, guard := range rt.Guards() {
		if guard.Err != nil && !guard.Off {
			health.Set(guard.Name+"-open", guard.Err.Error())
		}
	}
	registry := daemon.NewRegistry("ath-worker")
	ids := make([]string, 0, len(m.Rented))
	for _, d := range m.Rented {
		ids = append(ids, d.ID)
	}
	spec := view.Container.Spec
	in, err := a.ingress(key, rt, registry, health)
	if err != nil {
		return err
	}
	w, err := worker.New(worker.Deps{
		Config: a.Worker, Chain: node, Runtime: rt, Store: db, Key: key, Operator: operator.Address(), Container: view.Container.Id,
		Capacity:    worker.Capacity{CPUMilli: spec.CpuMilli, MemoryMiB: spec.MemoryMib, DiskMiB: spec.DiskMib, GPUs: spec.Gpus},
		Fingerprint: m.Fingerprint, Devices: m.Source, DeviceIDs: ids, Lost: lost, Boot: boot, Network: network,
		Ingress: in, Resolver: ingress.NewResolver(a.Worker.Resolver),
		Clock: clock.Real, Log: a.log, Health: health, Metrics: worker.NewMetrics(registry),
	})
	if err != nil {
		return err
	}
	actors := w.Actors()
	gateway, err := machine.ListenFirst(ctx, a.Worker.Listen)
	if err != nil {
		return err
	}
	config, err := access.ServerTLS(key)
	if err != nil {
		return errors.Join(err, gateway.Close())
	}
	actors = append(actors, daemon.ServeHTTP(tls.NewListener(gateway, config), w.Gateway()))
	local, err := daemon.Listen(ctx, a.Worker.Local)
	if err != nil {
		return errors.Join(fmt.Errorf("local: %w", err), gateway.Close())
	}
	served, err := a.listenIngress(ctx, in)
	if err != nil {
		return errors.Join(err, gateway.Close(), local.Close())
	}
	actors = append(actors, served...)
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", health)
	mux.Handle("GET /metrics", daemon.MetricsHandler(registry))
	mux.HandleFunc("GET /leases", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(w.Statuses()) // the client may have gone
	})
	actors = append(actors, daemon.ServeHTTP(local, mux))
	a.log.Info("serving", "container", view.Container.Id, "class", view.Container.Class, "gateway", gateway.Addr().String(), "local", local.Addr().String(), "chain_id", client.ChainID())
	return daemon.Run(ctx, a.log, actors...)
}

// container returns the Container that this worker serves, registered and offered where that was asked for, the machine with all
// devices that it was registered with, and the ids of those that are gone.
func (a *app) container(ctx context.Context, cmd *cobra.Command, client *chain.Client, db store.Store, m worker.Measured, o startOptions) (view providertypes.ContainerView, _ worker.Measured, lost []string, err error) {
	r, _, err := a.registrar(client, o.ownerKey)
	if err != nil {
		return view, m, nil, err
	}
	known, err := worker.KnownDevices(db)
	if err != nil {
		return view, m, nil, err
	}
	view, err = r.Find(ctx)
	if errors.Is(err, worker.ErrNotRegistered) || err == nil && o.register && string(view.Container.Fingerprint) == string(m.Fingerprint) {
		if !o.register {
			return view, m, nil, err
		}
		if _, err := a.register(ctx, cmd, client, o.ownerKey, true); err != nil {
			return view, m, nil, err
		}
		view, err = r.Find(ctx)
	}
	if err != nil {
		return view, m, nil, err
	}
	measured := m.Fingerprint
	m, lost, ok := m.Complete(known, view.Container.Fingerprint)
	if !ok {
		return view, m, nil, fmt.Errorf("container %d was registered with another machine or other devices (fingerprint %x, measured %x); retire it and register this machine anew", view.Container.Id, view.Container.Fingerprint, measured)
	}
	if len(lost) > 0 {
		a.log.Error("devices of this container are gone; it stays off the market until they are back; changed settings count after that", "devices", lost)
	} else if err := worker.KeepDevices(db, m.Rented); err != nil {
		return view, m, nil, err
	}
	if o.offer.none() {
		return view, m, lost, nil
	}
	_, err = leasetypes.NewQueryClient(client.Conn()).Offer(ctx, &leasetypes.QueryOfferRequest{ContainerId: view.Container.Id})
	if status.Code(err) == codes.NotFound {
		err = a.setOffer(ctx, cmd, client, o.offer)
	}
	return view, m, lost, err
}
