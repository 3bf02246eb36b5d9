// SPDX-License-Identifier: Apache-2.0

package market

import (
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	athtypes "github.com/athnet/ath/x/ath/types"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Filter restricts a list; empty fields do not.
type Filter struct {
	Class, Region, Provider string
	// After: only higher ids.
	After uint64
	Limit int
}

// Get returns one Container.
func (m *Market) Get(id uint64) (Entry, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e := m.at(id)
	if e == nil || e.Container.Class == "" {
		return Entry{}, false
	}
	return *e, true
}

// List pages through living Containers in order of id; next is 0 at the end.
func (m *Market) List(f Filter) (entries []Entry, next uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	sets := []*roaring.Bitmap{m.living}
	for _, by := range []struct {
		sets map[string]*roaring.Bitmap
		key  string
	}{{m.classes, f.Class}, {m.regions, f.Region}, {m.owners, f.Provider}} {
		if by.key == "" {
			continue
		}
		if by.sets[by.key] == nil {
			return nil, 0
		}
		sets = append(sets, by.sets[by.key])
	}
	it := roaring.FastAnd(sets...).Iterator()
	it.AdvanceIfNeeded(uint32(min(f.After+1, 1<<32-1)))
	for it.HasNext() {
		id := uint64(it.Next())
		if id <= f.After {
			continue
		}
		if len(entries) == f.Limit {
			return entries, entries[len(entries)-1].Container.Id
		}
		entries = append(entries, *m.at(id))
	}
	return entries, 0
}

// ClassStats are the figures of one class.
type ClassStats struct {
	Class                    string
	Containers, Free, Leased uint64
	// Cheapest free rate on demand in uath, and in musd; 0 where none is free.
	Cheapest, CheapestUSD uint64
}

// Stats are the figures of the market.
type Stats struct {
	Height                int64
	Now                   time.Time
	Containers, Providers uint64
	Classes               []ClassStats
}

// Stats counts.
func (m *Market) Stats() Stats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	s := Stats{Height: m.height, Now: m.now, Containers: m.living.GetCardinality(), Providers: uint64(len(m.owners))}
	for _, class := range slices.Sorted(maps.Keys(m.classes)) {
		b := m.classes[class]
		c := ClassStats{Class: class, Containers: b.GetCardinality(), Free: b.AndCardinality(m.free), Leased: b.AndCardinality(m.leased)}
		c.Cheapest = m.cheapest(shelf{class: class, denom: athtypes.Denom})
		c.CheapestUSD = m.cheapest(shelf{class: class, denom: leasetypes.MicroUSD})
		s.Classes = append(s.Classes, c)
	}
	return s
}

func (m *Market) cheapest(s shelf) uint64 {
	if t := m.cheap[s]; t != nil {
		if key, ok := t.Min(); ok {
			return key.rate
		}
	}
	return 0
}

func bound(s providertypes.ContainerState) bool {
	return s == providertypes.ContainerState_CONTAINER_STATE_LEASED || s == providertypes.ContainerState_CONTAINER_STATE_DRAINING
}
