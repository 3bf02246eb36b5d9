// SPDX-License-Identifier: Apache-2.0

// Package market holds every Container in memory and answers who is free, fits and is cheapest.
//
//	by price:  (mode, class, denom) and (mode, class, denom, region) ─► trees of (rate, id), free Containers only
//	by set:    class, region, free, mode and denom of the price, and "at least 2^b" per size ─► bitmaps of ids
//
// A match walks the tree in order of price: where supply is plenty it is done after a few steps. Where little fits, it gives up
// after walkBudget steps, intersects the bitmaps and looks at what is left. Whether a Container really fits is decided by the
// chain's own rule, leases/types.Demand, so the Indexer and the chain cannot disagree.
package market

import (
	"math"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/tidwall/btree"

	"github.com/athnet/ath/offchain/daemon/clock"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Entry is everything that is known of one Container.
type Entry struct {
	Container providertypes.Container
	Status    providertypes.ContainerStatus
	// Offer is nil without a standing price.
	Offer    *leasetypes.Offer
	LastSeen time.Time
	// listed: in the trees and the sets of a mode, at the mode's rate.
	listed [modes]bool
	rates  [modes]uint64
}

// The modes of a lease, as indexes.
const (
	onDemand = iota
	reserved
	modes
)

// modeOf are their names.
var modeOf = [modes]leasetypes.LeaseMode{leasetypes.LeaseMode_LEASE_MODE_ON_DEMAND, leasetypes.LeaseMode_LEASE_MODE_RESERVED}

func indexOf(mode leasetypes.LeaseMode) int {
	if mode == leasetypes.LeaseMode_LEASE_MODE_RESERVED {
		return reserved
	}
	return onDemand
}

// priced is a key of a tree.
type priced struct {
	rate uint64
	id   uint32
}

func cheaper(a, b priced) bool { return a.rate < b.rate || a.rate == b.rate && a.id < b.id }

type tree = btree.BTreeG[priced]

// shelf is what a tree holds: the offers of a class in a mode that are priced in a denom, everywhere or in a region.
type shelf struct {
	mode                 int
	class, denom, region string
}

// coin is in which mode and denom something costs.
type coin struct {
	mode  int
	denom string
}

// page holds the Containers of a shard; rates are beside each other because the second way of matching reads only them.
type page struct {
	entries [providertypes.ShardSize]*Entry
	rates   [modes][providertypes.ShardSize]uint64
}

// Market is the state. Safe for concurrent use: many matches at a time, or one change.
type Market struct {
	clock   clock.Clock
	reserve *reservations

	mu      sync.RWMutex
	params  providertypes.Params
	height  int64
	now     time.Time
	pages   []*page
	living  *roaring.Bitmap
	free    *roaring.Bitmap
	priced  map[coin]*roaring.Bitmap // the free ones, by the mode and denom of their prices
	leased  *roaring.Bitmap
	classes map[string]*roaring.Bitmap
	regions map[string]*roaring.Bitmap
	owners  map[string]*roaring.Bitmap
	sizes   [dimensions]levels
	cheap   map[shelf]*tree
}

// New is an empty market. hold is how long a Container stays reserved for the tenant who was sent to it.
func New(c clock.Clock, hold time.Duration) *Market {
	return &Market{
		clock: c, reserve: newReservations(c, hold), params: providertypes.DefaultParams(),
		living: roaring.New(), free: roaring.New(), leased: roaring.New(),
		classes: map[string]*roaring.Bitmap{}, regions: map[string]*roaring.Bitmap{}, owners: map[string]*roaring.Bitmap{},
		priced: map[coin]*roaring.Bitmap{}, cheap: map[shelf]*tree{},
	}
}

// SetParams takes over the chain's parameters.
func (m *Market) SetParams(p providertypes.Params) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.params = p
}

// SetHead says up to which block the market is current.
func (m *Market) SetHead(height int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.height, m.now = height, now
}

// Head is the block up to which the market is current.
func (m *Market) Head() (height int64, now time.Time) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.height, m.now
}

// PutContainer adds a Container or replaces its static part.
func (m *Market) PutContainer(c providertypes.Container) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.make(c.Id)
	if e == nil {
		return
	}
	m.unlist(e)
	m.unindex(e)
	e.Container = c
	m.index(e)
	m.list(e)
}

// PutStatus replaces the changing part.
func (m *Market) PutStatus(s providertypes.ContainerStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.make(s.Id)
	if e == nil {
		return
	}
	m.unlist(e)
	m.unindex(e)
	e.Status = s
	m.index(e)
	m.list(e)
	if s.State == providertypes.ContainerState_CONTAINER_STATE_LEASED {
		m.reserve.drop(uint32(s.Id))
	}
}

// PutOffer sets a standing price.
func (m *Market) PutOffer(o leasetypes.Offer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.make(o.ContainerId)
	if e == nil {
		return
	}
	m.unlist(e)
	e.Offer = &o
	m.list(e)
}

// RemoveOffer takes a standing price back.
func (m *Market) RemoveOffer(id uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.at(id); e != nil {
		m.unlist(e)
		e.Offer = nil
	}
}

// Heard says that workers were heard of.
func (m *Market) Heard(at time.Time, ids ...uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if e := m.make(id); e != nil && at.After(e.LastSeen) {
			e.LastSeen = at
		}
	}
}

// at returns the entry of an id, or nil.
func (m *Market) at(id uint64) *Entry {
	shard, slot := providertypes.ShardOf(id)
	if shard >= uint64(len(m.pages)) || m.pages[shard] == nil {
		return nil
	}
	return m.pages[shard].entries[slot]
}

// make returns the entry of an id, and makes it where there is none; nil for an id beyond all that a chain can have.
func (m *Market) make(id uint64) *Entry {
	if id > math.MaxUint32 {
		return nil
	}
	shard, slot := providertypes.ShardOf(id)
	for uint64(len(m.pages)) <= shard {
		m.pages = append(m.pages, nil)
	}
	if m.pages[shard] == nil {
		m.pages[shard] = &page{}
	}
	e := m.pages[shard].entries[slot]
	if e == nil {
		e = &Entry{Container: providertypes.Container{Id: id}, Status: providertypes.ContainerStatus{Id: id}}
		m.pages[shard].entries[slot] = e
	}
	return e
}

// alive: it is known and not Retired.
func (e *Entry) alive() bool {
	return e.Container.Class != "" && e.Status.State != providertypes.ContainerState_CONTAINER_STATE_RETIRED
}

// index puts a living Container into the sets of its attributes; unindex takes it out.
func (m *Market) index(e *Entry) {
	if !e.alive() {
		return
	}
	id, c := uint32(e.Container.Id), e.Container
	m.living.Add(id)
	if bound(e.Status.State) {
		m.leased.Add(id)
	}
	set(m.classes, c.Class).Add(id)
	set(m.regions, c.Region).Add(id)
	set(m.owners, c.Provider).Add(id)
	for d := range m.sizes {
		m.sizes[d].add(id, sizeOf(c, dimension(d)))
	}
}

func (m *Market) unindex(e *Entry) {
	if !e.alive() {
		return
	}
	id, c := uint32(e.Container.Id), e.Container
	m.living.Remove(id)
	m.leased.Remove(id)
	unset(m.classes, c.Class, id)
	unset(m.regions, c.Region, id)
	unset(m.owners, c.Provider, id)
	for d := range m.sizes {
		m.sizes[d].remove(id, sizeOf(c, dimension(d)))
	}
}

// list puts a Container that can be leased into the trees; unlist takes it out.
func (m *Market) list(e *Entry) {
	if !e.alive() || e.Offer == nil || e.Status.State != providertypes.ContainerState_CONTAINER_STATE_READY || e.Status.UnderStaked {
		return
	}
	id := uint32(e.Container.Id)
	for mode, name := range modeOf {
		terms, ok := e.Offer.In(name)
		if !ok || !terms.Rate.IsUint64() {
			continue
		}
		rate := terms.Rate.Uint64()
		e.listed[mode], e.rates[mode] = true, rate
		m.free.Add(id)
		set(m.priced, coin{mode, e.Offer.Denom}).Add(id)
		for _, s := range e.shelves(mode) {
			ordered(m.cheap, s).Set(priced{rate, id})
		}
		shard, slot := providertypes.ShardOf(e.Container.Id)
		m.pages[shard].rates[mode][slot] = rate
	}
}

func (m *Market) unlist(e *Entry) {
	id := uint32(e.Container.Id)
	for mode := range modeOf {
		if !e.listed[mode] {
			continue
		}
		e.listed[mode] = false
		m.free.Remove(id)
		unset(m.priced, coin{mode, e.Offer.Denom}, id)
		for _, s := range e.shelves(mode) {
			m.cheap[s].Delete(priced{e.rates[mode], id})
		}
	}
}

// shelves are those that a free Container is on.
func (e *Entry) shelves(mode int) [2]shelf {
	everywhere := shelf{mode: mode, class: e.Container.Class, denom: e.Offer.Denom}
	here := everywhere
	here.region = e.Container.Region
	return [2]shelf{everywhere, here}
}

func set[K comparable](sets map[K]*roaring.Bitmap, key K) *roaring.Bitmap {
	b := sets[key]
	if b == nil {
		b = roaring.New()
		sets[key] = b
	}
	return b
}

func unset[K comparable](sets map[K]*roaring.Bitmap, key K, id uint32) {
	b := sets[key]
	b.Remove(id)
	if b.IsEmpty() {
		delete(sets, key)
	}
}

func ordered[K comparable](trees map[K]*tree, key K) *tree {
	t := trees[key]
	if t == nil {
		// The market's own lock guards it.
		t = btree.NewBTreeGOptions(cheaper, btree.Options{NoLocks: true})
		trees[key] = t
	}
	return t
}
