// SPDX-License-Identifier: Apache-2.0

// Package worker is the daemon on a provider's machine: it runs what leases ask for, meters it and says so to the chain.
//
//	blocks ──▶ standings ─┐                        ┌─▶ runtime (containers)
//	runtime ──▶ instances ─┼─▶ plan ──▶ execute ───┼─▶ book (intents, on disk before anything is done)
//	tenants ──▶ manifests ─┘                        └─▶ outbox ──▶ usage, close, settle ──▶ chain
//
// plan is pure, execute may be cut by kill -9 between any two steps, and a restart is the only recovery path. What the worker does
// not know for certain it leaves as it is: only the chain's word that a lease is closed ends a workload.
package worker

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/gpu"
	"github.com/athnet/ath/offchain/worker/ingress"
	"github.com/athnet/ath/offchain/worker/runtime"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Deps are what a worker is made of.
type Deps struct {
	Config  Config
	Chain   Chain
	Runtime runtime.Runtime
	Store   store.Store
	// Key is the worker key, whose public half is on chain; Operator the account that signs transactions.
	Key      ed25519.PrivateKey
	Operator string
	// Container is this worker's id on chain, Capacity what it promised there, Fingerprint what was measured at start.
	Container   uint64
	Capacity    Capacity
	Fingerprint []byte
	// Devices measures GPUs; nil without any. DeviceIDs are those that services get.
	Devices   gpu.Source
	DeviceIDs []string
	// Lost are those of DeviceIDs that were gone when the worker started.
	Lost []string
	// Boot identifies the start of the machine, since when devices were not reset.
	Boot string
	// Ingress serves host names, and Resolver asks DNS whose they are; both nil without.
	Ingress  *ingress.Ingress
	Resolver ingress.Resolver
	// Network is what the network wanted when the worker started; asked for again from time to time.
	Network Network
	Clock   clock.Clock
	Log     *slog.Logger
	Health  *daemon.Health
	Metrics *Metrics
}

// Worker serves one Container.
type Worker struct {
	config      Config
	chain       Chain
	runtime     runtime.Runtime
	book        *book
	key         ed25519.PrivateKey
	operator    string
	container   uint64
	capacity    Capacity
	fingerprint []byte
	gpu         *gpuMeter
	clock       clock.Clock
	log         *slog.Logger
	health      *daemon.Health
	metrics     *Metrics
	sessions    *sessions
	ingress     *ingress.Ingress
	proofs      *proofs
	certs       *certs

	wake  chan struct{} // plan again
	look  chan struct{} // ask the chain about every lease again
	post  chan struct{} // something to send
	beat  chan struct{} // a heartbeat now
	ask   chan struct{} // a host name to be asked for
	early chan manifest.Manifest
	pulls sync.WaitGroup
	logs  *journals

	mu        sync.Mutex
	net       Network
	head      Block
	standings map[string]standing
	have      []runtime.Instance
	images    map[string]imageState
	problems  map[string]problem
	hold      map[string]time.Time
	failures  map[string]int
	errors    map[string]string // by lease: the last failure, for its tenant
	answering map[uint16]bool   // host ports that take connections
}

// New reads the worker's memory back. Nothing is done before its actors run.
func New(d Deps) (*Worker, error) {
	if err := d.Config.Validate(); err != nil {
		return nil, err
	}
	b, err := openBook(d.Store)
	if err != nil {
		return nil, err
	}
	g := newGPUMeter(d.Devices)
	g.ids, g.lost = d.DeviceIDs, d.Lost
	g.note(nil)
	if err := remember(d.Devices, d.Store, d.Boot, d.Clock.Now, d.Log); err != nil {
		return nil, err
	}
	w := &Worker{
		config: d.Config, chain: d.Chain, runtime: d.Runtime, book: b, key: d.Key, operator: d.Operator, container: d.Container,
		capacity: d.Capacity, fingerprint: d.Fingerprint, gpu: g, clock: d.Clock, log: d.Log, health: d.Health, metrics: d.Metrics, sessions: newSessions(),
		ingress: d.Ingress, proofs: newProofs(d.Resolver), certs: newCerts(), ask: make(chan struct{}, 1),
		net: d.Network, wake: make(chan struct{}, 1), look: make(chan struct{}, 1), post: make(chan struct{}, 1), beat: make(chan struct{}, 1), early: make(chan manifest.Manifest, 4),
		standings: map[string]standing{}, images: map[string]imageState{}, problems: map[string]problem{},
		hold: map[string]time.Time{}, failures: map[string]int{}, errors: map[string]string{}, answering: map[uint16]bool{},
	}
	w.logs = newJournals(filepath.Join(d.Config.Home, "logs"), int64(d.Config.LogMiB)<<20)
	g.changed = func() { kick(w.beat) }
	return w, nil
}

// Actors are the parts that run side by side; the gateway and the local port are the caller's.
func (w *Worker) Actors() []daemon.Actor {
	actors := []daemon.Actor{
		{Name: "follow", Run: w.follow},
		{Name: "look", Run: w.lookAround},
		{Name: "reconcile", Run: w.reconcileLoop},
		{Name: "outbox", Run: w.outboxLoop},
		{Name: "heartbeat", Run: w.heartbeatLoop},
		{Name: "logs", Run: w.logLoop},
		{Name: "lost", Run: w.lostLoop},
	}
	if w.ingress != nil {
		actors = append(actors, daemon.Actor{Name: "names", Run: w.proofLoop})
	}
	if w.gpu.source != nil {
		actors = append(actors, daemon.Actor{Name: "gpu", Run: func(ctx context.Context) error { return w.gpu.run(ctx, w.clock, w.log) }})
	}
	return actors
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *Worker) network() Network {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.net
}

func (w *Worker) latest() Block {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.head
}

func (w *Worker) instances(lease string) []runtime.Instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return situation{have: w.have}.instances(lease)
}

// follow takes in blocks.
func (w *Worker) follow(ctx context.Context) error {
	err := w.chain.Follow(ctx, w.takeBlock)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("follow the chain: %w", err)
}

func (w *Worker) takeBlock(b Block) {
	relevant := false
	for _, e := range b.Events {
		switch {
		case e.Open != nil && (e.Open.ContainerId == w.container || w.served(e.Open.ID())):
			w.learn(voucher.HeadOf(*e.Open).LeaseID, standing{lease: e.Open})
			relevant = true
		case e.Closed != nil && e.Closed.ContainerId == w.container:
			w.learn(fmt.Sprintf("%s/%d", e.Closed.Tenant, e.Closed.Number), standing{receipt: e.Closed})
			relevant = true
		}
	}
	w.mu.Lock()
	first := w.head.Height == 0
	w.head = Block{Height: b.Height, Hash: b.Hash, Time: b.Time}
	skew := w.clock.Now().Sub(b.Time)
	limit := max(w.net.MaxClockSkew, minSkewWarning)
	w.mu.Unlock()
	w.metrics.Height.Set(float64(b.Height))
	w.health.Fact("height", fmt.Sprint(b.Height))
	w.health.Clear("node-unreachable")
	if skew < -limit { // block time is always a little behind; only a clock that is behind it shows at once
		w.health.Set("clock-skew", fmt.Sprintf("this machine is %s behind block time", (-skew).Round(time.Second)))
	} else {
		w.health.Clear("clock-skew")
	}
	if relevant || first {
		kick(w.wake)
	}
	if first { // what happened between the first look and this block is in neither
		kick(w.look)
	}
}

// served says whether a lease was this worker's: it may have moved to another one.
func (w *Worker) served(id string) bool {
	_, ok := w.book.intent(id)
	return ok
}

// minSkewWarning keeps the warning quiet on networks that allow no skew.
const minSkewWarning = 2 * time.Second

// learn takes the chain's word about a lease. Closed is final: an older answer that comes late does not reopen it.
func (w *Worker) learn(id string, s standing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.standings[id].closed() {
		return
	}
	w.standings[id] = s
	if !w.servesLocked(s) {
		w.sessions.end(id)
		if w.ingress != nil {
			w.ingress.Drop(id)
		}
	}
}

// retryPause is the wait after a failure whose cause is elsewhere.
const retryPause = 2 * time.Second

// pause waits for a kick, a time, or the end.
func (w *Worker) pause(ctx context.Context, kicked <-chan struct{}, d time.Duration) error {
	t := w.clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-kicked:
	case <-t.C():
	}
	return nil
}

// heartbeatLoop says that the worker lives.
func (w *Worker) heartbeatLoop(ctx context.Context) error {
	for {
		err := w.heartbeat(ctx)
		wait := w.network().Heartbeat
		if err != nil && ctx.Err() == nil {
			w.health.Set("heartbeat", err.Error())
			w.log.Warn("heartbeat failed, trying again", "err", err)
			wait = min(wait, retryPause)
		} else {
			w.health.Clear("heartbeat")
		}
		w.healthOfDevices()
		if err := w.pause(ctx, w.beat, max(wait, time.Second)); err != nil {
			return err
		}
	}
}

// healthOfDevices shows what is broken; the chain has heard of it, or will with the next heartbeat.
func (w *Worker) healthOfDevices() {
	if faults := w.gpu.faults(); len(faults) > 0 {
		w.health.Set("devices", providertypes.DescribeFaults(faults))
		return
	}
	w.health.Clear("devices")
}

// bound returns the open lease that this Container serves, if any, and whether all its services run. A worker that has just started, and
// could not ask the chain yet, goes by what it had written down: its word that it serves nothing would be held against it.
func (w *Worker) bound() (lease string, running bool, ports []uint16) {
	intents, parsed := w.book.all()
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.boundLocked(intents)
	if id == "" {
		return "", false, nil
	}
	running = true
	for _, service := range parsed[intents[id].ManifestHash].Services {
		i, ok := find(w.have, runtime.Key{Lease: id, Service: service.Name})
		running = running && ok && i.State == runtime.StateRunning
		for _, p := range i.Ports {
			if w.answering[p.Host] {
				ports = append(ports, p.Host)
			}
		}
	}
	slices.Sort(ports)
	return id, running && !intents[id].Started.IsZero(), ports
}

// boundLocked goes by the chain's word first.
func (w *Worker) boundLocked(intents map[string]Intent) string {
	for id, s := range w.standings {
		if s.open() && s.lease.ContainerId == w.container && s.lease.State != leasetypes.LeaseState_LEASE_STATE_UNSPECIFIED {
			return id
		}
	}
	for id, i := range intents {
		if _, known := w.standings[id]; !known && i.ClosedAt.IsZero() && i.ContainerID == w.container {
			return id
		}
	}
	return ""
}
