// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/offchain/voucher"
	"github.com/athnet/ath/offchain/worker/api"
)

// Intent is what this worker has decided about a lease. It is on disk before it is acted upon, so that a restart goes on where
// a crash cut in.
type Intent struct {
	Lease        string    `json:"lease"`
	ContainerID  uint64    `json:"container_id"`
	ManifestHash string    `json:"manifest_hash"` // hex
	OpenedAt     time.Time `json:"opened_at"`     // the block that bound the lease to this Container, or ended its pause
	// Ports are the host ports that the lease was given, by "service/port/as/proto".
	Ports map[string]uint16 `json:"ports,omitempty"`
	// Proofs are when its tenant proved to own a host name, by name; Certificates those that it handed in.
	Proofs       map[string]Proof           `json:"proofs,omitempty"`
	Certificates map[string]api.Certificate `json:"certificates,omitempty"`
	// Started is the moment from which all services had run; zero before.
	Started time.Time `json:"started,omitzero"`
	// Head is the end of the chain of signed records; Pending are those that the network has not confirmed, to be sent as
	// they are; Confirmed is the last sequence that it has.
	Head      voucher.Head             `json:"head"`
	Pending   []leasetypes.UsageRecord `json:"pending,omitempty"`
	Confirmed uint64                   `json:"confirmed"`
	// Meter is what the last record had counted, by service.
	Meter map[string]Reading `json:"meter,omitempty"`
	// Paused says that the chain has paused the lease; Stopped are the services that ran until then, to be started again after it.
	Paused  bool     `json:"paused,omitempty"`
	Stopped []string `json:"stopped,omitempty"`
	// Renewed says that the services of another manifest are being brought up while the lease runs.
	Renewed bool `json:"renewed,omitempty"`
	// Grow says that its storage is to be enlarged first, for which its services stop.
	Grow bool `json:"grow,omitempty"`
	// Closing is what the chain is asked for.
	Closing *Closing `json:"closing,omitempty"`
	// ClosedAt and CloseReason are what the chain answered, or did by itself.
	ClosedAt    time.Time              `json:"closed_at,omitzero"`
	CloseReason leasetypes.CloseReason `json:"close_reason,omitempty"`
	// Archived says that the services' output is in files.
	Archived bool `json:"archived,omitempty"`
	// Removed says that the runtime has nothing of the lease any more, what its services shared included.
	Removed bool `json:"removed,omitempty"`
	// Endings are how the services ended, by name: what the engine knew before their instances were removed.
	Endings map[string]Ending `json:"endings,omitempty"`
}

// keepPorts gives back the host ports of what is not published any more.
func (i *Intent) keepPorts(m manifest.Manifest) {
	kept := map[string]uint16{}
	for _, service := range m.Services {
		for _, e := range service.Expose {
			if key := portKey(service.Name, e); i.Ports[key] != 0 {
				kept[key] = i.Ports[key]
			}
		}
	}
	i.Ports = kept
}

// Ending is how a service ended.
type Ending struct {
	ExitCode   int       `json:"exit_code"`
	OOMKilled  bool      `json:"oom_killed,omitempty"`
	Restarts   int       `json:"restarts,omitempty"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// Closing is the wish to close a lease.
type Closing struct {
	Reason leasetypes.CloseReason `json:"reason"`
	Codes  []int32                `json:"codes,omitempty"`
	Detail string                 `json:"detail,omitempty"`
	// At is when it was decided: the end in what the worker signs.
	At time.Time `json:"at,omitzero"`
	// Unsigned says that the chain refused what the worker had signed: then it is to close the lease without.
	Unsigned bool `json:"unsigned,omitempty"`
}

// held is a manifest's body with what is known about its coming.
type held struct {
	Tenant   string    `json:"tenant"`
	Received time.Time `json:"received"`
	Body     []byte    `json:"body"`
}

const (
	bucketIntents   = "intents"
	bucketManifests = "manifests"
	bucketMeta      = "meta"
)

// ErrBusy says that the worker holds as many manifests as it wants to.
var ErrBusy = errors.New("too many manifests wait for a lease")

// book is the worker's memory: intents and manifests, on disk first and then in memory. Safe for concurrent use.
type book struct {
	store store.Store

	mu        sync.Mutex
	intents   map[string]Intent
	manifests map[string]held
	parsed    map[string]manifest.Manifest
	// taken are the manifests that a lease has come for. One that no lease wants any more was replaced: it waits for nothing. What a restart
	// forgets of this is gone within manifestLife.
	taken map[string]bool
}

// openBook reads everything back.
func openBook(s store.Store) (*book, error) {
	b := &book{store: s, intents: map[string]Intent{}, manifests: map[string]held{}, parsed: map[string]manifest.Manifest{}, taken: map[string]bool{}}
	err := s.View(func(tx store.Tx) error {
		if err := tx.Walk(bucketIntents, nil, func(key, value []byte) error {
			var i Intent
			if err := json.Unmarshal(value, &i); err != nil {
				return fmt.Errorf("intent of lease %s: %w", key, err)
			}
			b.intents[string(key)] = i
			return nil
		}); err != nil {
			return err
		}
		return tx.Walk(bucketManifests, nil, func(key, value []byte) error {
			var h held
			if err := json.Unmarshal(value, &h); err != nil {
				return fmt.Errorf("manifest %s: %w", key, err)
			}
			return b.remember(string(key), h)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the worker's memory: %w", err)
	}
	return b, nil
}

func (b *book) remember(hash string, h held) error {
	m, err := parseManifest(h.Body)
	if err != nil {
		return err
	}
	b.manifests[hash], b.parsed[hash] = h, m
	return nil
}

// update changes an intent on disk and then in memory. A nil result of change deletes it.
func (b *book) update(lease string, change func(*Intent) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	intent, ok := b.intents[lease]
	if !ok {
		return fmt.Errorf("intent of lease %s: %w", lease, store.ErrNotFound)
	}
	intent.Ports, intent.Meter = maps.Clone(intent.Ports), maps.Clone(intent.Meter)
	intent.Proofs, intent.Certificates = maps.Clone(intent.Proofs), maps.Clone(intent.Certificates)
	if err := change(&intent); err != nil {
		return err
	}
	return b.put(intent)
}

// add writes a new intent; one that exists stays as it is, unless its lease had left this worker.
func (b *book) add(intent Intent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if have, ok := b.intents[intent.Lease]; ok && have.ClosedAt.IsZero() {
		return nil
	}
	return b.put(intent)
}

func (b *book) put(intent Intent) error {
	if err := b.store.Update(func(tx store.Tx) error {
		return store.PutJSON(tx, bucketIntents, []byte(intent.Lease), intent)
	}); err != nil {
		return fmt.Errorf("write intent of lease %s: %w", intent.Lease, err)
	}
	old := b.intents[intent.Lease].ManifestHash
	if _, held := b.manifests[old]; held {
		b.taken[old] = true
	}
	b.intents[intent.Lease] = intent
	return nil
}

// forget deletes an intent, and its manifest unless another lease has the same.
func (b *book) forget(lease string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	hash := b.intents[lease].ManifestHash
	shared := false
	for id, i := range b.intents {
		shared = shared || (id != lease && i.ManifestHash == hash)
	}
	if err := b.store.Update(func(tx store.Tx) error {
		if !shared {
			if err := tx.Delete(bucketManifests, []byte(hash)); err != nil {
				return err
			}
		}
		return tx.Delete(bucketIntents, []byte(lease))
	}); err != nil {
		return fmt.Errorf("forget lease %s: %w", lease, err)
	}
	delete(b.intents, lease)
	if !shared {
		b.drop(hash)
	}
	return nil
}

func (b *book) drop(hash string) {
	delete(b.manifests, hash)
	delete(b.parsed, hash)
	delete(b.taken, hash)
}

// keepManifest stores a body that was checked. Those that no lease asks for are bounded in number and life. One that waits already is not written again:
// handing it in over and over would hold up everybody else, and keep it for ever. One that a lease has gone on from is as good as new.
func (b *book) keepManifest(hash string, h held, limit int, wanted map[string]bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, again := b.manifests[hash]
	if again && !b.taken[hash] {
		return nil
	}
	// What a lease waits for is always taken: others' manifests must not keep a tenant's out.
	if all, own := b.unclaimed(h.Tenant, wanted); !b.claimed(hash, wanted) && (all >= limit || own >= maxManifestsPerTenant) {
		return ErrBusy
	}
	if err := b.store.Update(func(tx store.Tx) error { return store.PutJSON(tx, bucketManifests, []byte(hash), h) }); err != nil {
		return fmt.Errorf("write manifest %s: %w", hash, err)
	}
	delete(b.taken, hash)
	return b.remember(hash, h)
}

// claimed says whether a lease runs a manifest or, as the chain says, wants to.
func (b *book) claimed(hash string, wanted map[string]bool) bool {
	if wanted[hash] {
		return true
	}
	for _, i := range b.intents {
		if i.ManifestHash == hash {
			return true
		}
	}
	return false
}

// unclaimed counts the manifests that no lease has come for: all of them, and a tenant's own.
func (b *book) unclaimed(tenant string, wanted map[string]bool) (all, own int) {
	for hash, h := range b.manifests {
		if b.taken[hash] || b.claimed(hash, wanted) {
			continue
		}
		all++
		if h.Tenant == tenant {
			own++
		}
	}
	return all, own
}

// expireManifests drops manifests that no lease wants.
func (b *book) expireManifests(before time.Time, wanted map[string]bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for hash, h := range b.manifests {
		if b.claimed(hash, wanted) {
			b.taken[hash] = true
			continue
		}
		if !h.Received.Before(before) {
			continue
		}
		if err := b.store.Update(func(tx store.Tx) error { return tx.Delete(bucketManifests, []byte(hash)) }); err != nil {
			return fmt.Errorf("drop manifest %s: %w", hash, err)
		}
		b.drop(hash)
	}
	return nil
}

// intent returns a copy.
func (b *book) intent(lease string) (Intent, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, ok := b.intents[lease]
	return i, ok
}

// all returns copies of the maps; their values are never changed in place.
func (b *book) all() (map[string]Intent, map[string]manifest.Manifest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.intents), maps.Clone(b.parsed)
}

// manifest returns the body of a hash.
func (b *book) manifest(hash string) (manifest.Manifest, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m, ok := b.parsed[hash]
	return m, ok
}

func portKey(service string, e manifest.Expose) string {
	return fmt.Sprintf("%s/%d/%d/%s", service, e.Port, e.As, e.Proto)
}

// newIntent is the intent of a lease as the chain describes it: also the way back after the store was lost.
func newIntent(lease leasetypes.Lease) Intent {
	i := Intent{
		Lease: voucher.HeadOf(lease).LeaseID, ContainerID: lease.ContainerId, ManifestHash: hex.EncodeToString(lease.ManifestHash),
		OpenedAt: latest(lease.CreatedAt, lease.BoundAt), Head: voucher.HeadOf(lease), Confirmed: lease.UsageSequence,
		Paused: lease.State == leasetypes.LeaseState_LEASE_STATE_PAUSED,
	}
	if lease.StartedAt != nil && lease.State == leasetypes.LeaseState_LEASE_STATE_RUNNING {
		i.Started = *lease.StartedAt
	}
	return i
}
