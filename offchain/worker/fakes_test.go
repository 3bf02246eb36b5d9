// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	sdkerrors "cosmossdk.io/errors"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/daemon"
	"github.com/athnet/ath/offchain/daemon/clock"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/runtime"
	"github.com/athnet/ath/offchain/worker/runtime/fake"
	"github.com/athnet/ath/offchain/worker/runtime/runtimetest"
)

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	if os.Getenv("ATH_WORKER_CHILD") != "" {
		childMain()
		return
	}
	if os.Getenv("ATH_GATEWAY_CHILD") != "" {
		gatewayMain()
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) { os.Exit(runtimetest.Stop(code)) }))
}

const testChainID = "ath-test"

var (
	testKey   = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	testPub   = testKey.Public().(ed25519.PublicKey)
	testStart = time.Unix(1_800_000_000, 0).UTC()
	tenant    = address(1)
	operator  = address(2)
)

func address(n byte) string {
	athtypes.SetPrefixes()
	return sdk.AccAddress(bytes.Repeat([]byte{n}, 20)).String()
}

// fakeChain is a network in memory that checks what a worker tells it.
type fakeChain struct {
	clock clock.Clock

	mu       sync.Mutex
	down     bool
	leases   map[string]*leasetypes.Lease
	receipts map[string]*leasetypes.Receipt
	heads    map[string]voucher.Head
	bound    string
	beats    int
	faults   []providertypes.DeviceFault // of the last heartbeat
	settles  int
	delisted bool
	usage    []leasetypes.UsageRecord
	follower func(Block)
	key      []byte // the Container's worker key
}

func newFakeChain(c clock.Clock) *fakeChain {
	return &fakeChain{clock: c, leases: map[string]*leasetypes.Lease{}, receipts: map[string]*leasetypes.Receipt{}, heads: map[string]voucher.Head{}, key: testPub}
}

var errDown = errors.New("no node answers")

func (f *fakeChain) lock() error {
	f.mu.Lock()
	if f.down {
		f.mu.Unlock()
		return errDown
	}
	return nil
}

func (f *fakeChain) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fakeChain) Network(context.Context) (Network, error) {
	if err := f.lock(); err != nil {
		return Network{}, err
	}
	defer f.mu.Unlock()
	return Network{ChainID: testChainID, Heartbeat: 5 * time.Second, MaxClockSkew: 5 * time.Second, MaxUsageBatch: 100, StartLimit: 10 * time.Minute}, nil
}

func (f *fakeChain) Container(_ context.Context, id uint64) (providertypes.ContainerView, error) {
	if err := f.lock(); err != nil {
		return providertypes.ContainerView{}, err
	}
	defer f.mu.Unlock()
	return providertypes.ContainerView{Container: providertypes.Container{Id: id}, Status: providertypes.ContainerStatus{Id: id, Lease: f.bound, State: f.state()}}, nil
}

func (f *fakeChain) state() providertypes.ContainerState {
	if f.bound != "" {
		return providertypes.ContainerState_CONTAINER_STATE_LEASED
	}
	return providertypes.ContainerState_CONTAINER_STATE_READY
}

func (f *fakeChain) Lease(_ context.Context, id string) (*leasetypes.Lease, *leasetypes.Receipt, error) {
	if err := f.lock(); err != nil {
		return nil, nil, err
	}
	defer f.mu.Unlock()
	if l, ok := f.leases[id]; ok {
		c := *l
		return &c, nil, nil
	}
	if r, ok := f.receipts[id]; ok {
		return nil, r, nil
	}
	return nil, nil, ErrNoLease
}

func (f *fakeChain) Delisted(context.Context, uint64) (bool, error) {
	if err := f.lock(); err != nil {
		return false, err
	}
	defer f.mu.Unlock()
	return f.delisted, nil
}

func (f *fakeChain) Follow(ctx context.Context, fn func(Block)) error {
	f.mu.Lock()
	f.follower = fn
	f.mu.Unlock()
	fn(f.block())
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeChain) block(events ...LeaseEvent) Block {
	return Block{Height: 42, Hash: bytes.Repeat([]byte{9}, 32), Time: f.clock.Now(), Events: events}
}

// open binds the Container to a new lease.
func (f *fakeChain) open(number uint64, m manifest.Manifest) string {
	canonical, err := m.Canonical()
	if err != nil {
		panic(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &leasetypes.Lease{Completes: m.Ends(), Tenant: tenant, Number: number, ContainerId: 7, State: leasetypes.LeaseState_LEASE_STATE_ACTIVE, CreatedAt: f.clock.Now(), ManifestHash: manifest.Hash(canonical)}
	id := fmt.Sprintf("%s/%d", tenant, number)
	f.leases[id], f.bound = l, id
	f.heads[id] = voucher.Head{LeaseID: id}
	if f.follower != nil {
		f.follower(f.block(LeaseEvent{Open: l}))
	}
	return id
}

// change is what somebody else does to an open lease.
func (f *fakeChain) change(id string, edit func(*leasetypes.Lease)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := *f.leases[id]
	edit(&l)
	f.leases[id] = &l
	if l.ContainerId != 7 {
		f.bound = ""
	}
	if f.follower != nil {
		f.follower(f.block(LeaseEvent{Open: &l}))
	}
}

// close ends a lease from outside.
func (f *fakeChain) close(id string, reason leasetypes.CloseReason, codes ...int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closeLocked(id, reason, codes)
}

func (f *fakeChain) closeLocked(id string, reason leasetypes.CloseReason, codes []int32) {
	l := f.leases[id]
	delete(f.leases, id)
	r := &leasetypes.Receipt{Tenant: l.Tenant, Number: l.Number, ContainerId: l.ContainerId, Reason: reason, ExitCodes: codes, UsageSequence: l.UsageSequence}
	f.receipts[id], f.bound = r, ""
	if f.follower != nil {
		f.follower(f.block(LeaseEvent{Closed: r}))
	}
}

func refused(format string, args ...any) error {
	return &chain.ExecutionError{Codespace: "leases", Code: 2, Log: fmt.Sprintf(format, args...)}
}

func (f *fakeChain) Send(_ context.Context, msgs ...sdk.Msg) error {
	if err := f.lock(); err != nil {
		return err
	}
	defer f.mu.Unlock()
	for _, msg := range msgs {
		switch m := msg.(type) {
		case *leasetypes.MsgSubmitUsage:
			for _, r := range m.Records {
				if err := f.takeUsage(r); err != nil {
					return err
				}
			}
		case *leasetypes.MsgCloseLease:
			if f.leases[m.LeaseId] == nil {
				return refused("lease %s is closed", m.LeaseId)
			}
			if err := f.takeStatement(m); err != nil {
				return err
			}
			f.closeLocked(m.LeaseId, m.Reason, m.ExitCodes)
			f.receipts[m.LeaseId].Statement = m.Statement
		case *leasetypes.MsgRefreshOffers:
			f.delisted = false
		case *leasetypes.MsgSettle:
			f.settles++
		case *providertypes.MsgHeartbeat:
			f.beats++
			f.faults = m.Faults
		default:
			return fmt.Errorf("unexpected %T", msg)
		}
	}
	return nil
}

// takeStatement checks a statement as the chain does.
func (f *fakeChain) takeStatement(m *leasetypes.MsgCloseLease) error {
	if m.Statement == nil {
		return nil
	}
	err := m.Statement.Validate()
	if err == nil {
		err = m.Statement.Covers(*f.leases[m.LeaseId], f.clock.Now(), 5*time.Second)
	}
	if err == nil {
		err = m.Statement.Verify(testChainID, m.LeaseId, 7, f.key)
	}
	if err == nil {
		_, err = (leasetypes.Said{ExitCodes: m.ExitCodes, Statement: m.Statement}).Codes()
	}
	if err != nil {
		_, code, text := sdkerrors.ABCIInfo(err, false)
		return &chain.ExecutionError{Codespace: leasetypes.ModuleName, Code: code, Log: text}
	}
	return nil
}

func (f *fakeChain) takeUsage(r leasetypes.UsageRecord) error {
	l, ok := f.leases[r.LeaseId]
	if !ok {
		return refused("lease %s is closed", r.LeaseId)
	}
	head, err := voucher.Verify(f.heads[r.LeaseId], r, testChainID, testPub)
	if err != nil {
		return refused("%v", err)
	}
	if r.From.Before(l.CreatedAt) || r.Until.After(f.clock.Now().Add(5*time.Second)) {
		return refused("interval %s to %s is not within the lease", r.From, r.Until)
	}
	f.heads[r.LeaseId] = head
	f.usage = append(f.usage, r)
	l.UsageSequence, l.UsageHash, l.UsageUntil = head.Sequence, head.Hash, &r.Until
	if l.StartedAt == nil {
		l.StartedAt = &r.From
	}
	if l.State == leasetypes.LeaseState_LEASE_STATE_ACTIVE {
		l.State = leasetypes.LeaseState_LEASE_STATE_RUNNING
	}
	return nil
}

var (
	imageWeb = "host/web@sha256:" + strings.Repeat("a", 64)
	imageJob = "host/job@sha256:" + strings.Repeat("b", 64)
)

func service(name, image string, restart manifest.Restart) manifest.Service {
	return manifest.Service{Name: name, Image: image, Resources: manifest.Resources{CPUMilli: 100, MemoryMiB: 32, DiskMiB: 32}, Restart: restart}
}

func workload(services ...manifest.Service) manifest.Manifest {
	return manifest.Manifest{Version: manifest.Version, Services: services}
}

// rig is a worker on fakes that a test drives by hand.
type rig struct {
	t       testing.TB
	clock   *clock.Manual
	chain   *fakeChain
	runtime *fake.Runtime
	store   store.Store
	home    string
	*Worker
}

func newRig(t testing.TB) *rig {
	c := clock.NewManual(testStart)
	r := &rig{t: t, clock: c, chain: newFakeChain(c), runtime: fake.New(), store: store.NewMem(), home: t.TempDir()}
	r.runtime.Now = c.Now
	r.restart(r.chain, r.runtime, r.store)
	return r
}

// restart is a new process over what is left.
func (r *rig) restart(c Chain, rt runtime.Runtime, s store.Store) {
	r.t.Helper()
	w, err := r.process(c, rt, s)
	require.NoError(r.t, err)
	r.Worker = w
}

func (r *rig) process(c Chain, rt runtime.Runtime, s store.Store, edit ...func(*Deps)) (*Worker, error) {
	d := Deps{
		Config: Config{
			Home: r.home, Endpoint: "worker.example:7443", Ports: "41000-41099", PublishIP: "127.0.0.1", PidsLimit: 64, MaxManifests: 4,
			UsageInterval: 10 * time.Second, SettleInterval: time.Minute, ManifestWait: time.Minute, StartWait: 2 * time.Minute,
			StopGrace: time.Second, LogRetention: time.Hour, Resync: 30 * time.Second,
		},
		Chain: c, Runtime: rt, Store: s, Key: testKey, Operator: operator, Container: 7, Fingerprint: bytes.Repeat([]byte{4}, 32),
		Capacity: Capacity{CPUMilli: 2000, MemoryMiB: 1024, DiskMiB: 1024},
		Network:  Network{ChainID: testChainID, Heartbeat: 5 * time.Second, MaxClockSkew: 5 * time.Second, MaxUsageBatch: 100},
		Clock:    r.clock, Log: slog.New(slog.DiscardHandler), Health: daemon.NewHealth("ath-worker", r.clock, Warnables()...),
		Metrics: NewMetrics(prometheus.NewRegistry()),
	}
	for _, e := range edit {
		e(&d)
	}
	return New(d)
}

// deliver hands a manifest in.
func (r *rig) deliver(m manifest.Manifest) {
	r.t.Helper()
	canonical, err := m.Canonical()
	require.NoError(r.t, err)
	require.NoError(r.t, fits(m, r.capacity))
	require.NoError(r.t, r.book.keepManifest(hex.EncodeToString(manifest.Hash(canonical)), held{Received: r.clock.Now(), Body: canonical}, 4, nil))
}

// turn lets every part of the worker act once, in one thread, and returns the first thing that went wrong.
func (r *rig) turn(w *Worker, settled map[string]time.Time) error {
	ctx := context.Background()
	w.takeBlock(r.chain.block())
	err := w.lookOnce(ctx)
	for range 3 { // a pull ends in the background and wants another plan
		err = errors.Join(err, w.reconcile(ctx))
		w.pulls.Wait()
	}
	return errors.Join(err, w.flush(ctx, settled), w.reconcile(ctx))
}

// settle lets the worker act until time has healed every hold.
func (r *rig) settle() {
	r.t.Helper()
	settled := map[string]time.Time{}
	for range 6 {
		if err := r.turn(r.Worker, settled); err != nil {
			r.t.Logf("turn: %v", err)
		}
		r.clock.Advance(time.Second)
	}
}

func key(lease, service string) runtime.Key { return runtime.Key{Lease: lease, Service: service} }

func (r *rig) states(lease string) map[string]runtime.State {
	r.t.Helper()
	all, err := r.runtime.List(context.Background())
	require.NoError(r.t, err)
	out := map[string]runtime.State{}
	for _, i := range all {
		if i.Lease == lease {
			out[i.Service] = i.State
		}
	}
	return out
}

func output(t testing.TB, stream io.ReadCloser) string {
	t.Helper()
	defer stream.Close()
	b, err := io.ReadAll(stream)
	require.NoError(t, err)
	return string(b)
}
