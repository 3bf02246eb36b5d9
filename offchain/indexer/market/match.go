// SPDX-License-Identifier: Apache-2.0

package market

import (
	"fmt"
	"math"
	"slices"
	"time"

	sdkmath "cosmossdk.io/math"
	"github.com/RoaringBitmap/roaring/v2"

	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

const (
	// DefaultLimit and MaxLimit of candidates; the chain takes at most MaxLimit.
	DefaultLimit = 10
	MaxLimit     = leasetypes.MaxCandidates
	// walkBudget is how many Containers a match looks at in order of price before it intersects sets.
	walkBudget = 128
)

// anyRate stands for "no bound".
var anyRate = sdkmath.NewIntFromUint64(math.MaxUint64)

// Query is what is wanted.
type Query struct {
	leasetypes.Demand
	// Limit of candidates; DefaultLimit where 0.
	Limit int
}

// Candidate is a Container that fits.
type Candidate struct {
	Entry
	// Terms are the offer as the query's mode sees it.
	Terms leasetypes.Offer
	// Reserved for another tenant a moment ago.
	Reserved bool
}

// Answer is the answer.
type Answer struct {
	Candidates []Candidate
	// Reason is set where there is no candidate.
	Reason string
	Height int64
	Now    time.Time
}

// Match returns the cheapest free Containers that fit, those reserved for others last, and reserves the first for the tenant.
func (m *Market) Match(q Query) Answer {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	q.Denom = leasetypes.PriceDenom(q.Denom)
	if q.MaxRate.IsNil() || q.MaxRate.IsZero() {
		q.MaxRate = anyRate
	}
	m.mu.RLock()
	defer m.mu.RUnlock()

	s := search{m: m, mode: indexOf(q.Mode), q: q, clock: m.clock.Now()}
	s.run()
	a := Answer{Height: m.height, Now: m.now, Candidates: s.candidates()}
	if len(a.Candidates) == 0 {
		a.Reason = m.explain(q)
		return a
	}
	if first := a.Candidates[0]; q.Tenant != "" && !first.Reserved {
		m.reserve.take(uint32(first.Container.Id), q.Tenant, s.clock)
	}
	return a
}

// search is one match under way.
type search struct {
	m     *Market
	mode  int
	q     Query
	clock time.Time
	open  []*Entry
	held  []*Entry
}

func (s *search) run() {
	s.m.reserve.mu.RLock()
	defer s.m.reserve.mu.RUnlock()
	if !s.walk() {
		s.intersect()
	}
}

// consider takes an entry that fits, and says whether enough are there. Reserved ones fill what is left at the end.
func (s *search) consider(e *Entry) bool {
	if s.m.misfit(e, s.q.Demand) != leasetypes.Fits {
		return false
	}
	if holder := s.m.reserve.holder(uint32(e.Container.Id), s.clock); holder != "" && holder != s.q.Tenant {
		if len(s.held) < s.q.Limit {
			s.held = append(s.held, e)
		}
		return false
	}
	s.open = append(s.open, e)
	return len(s.open) == s.q.Limit
}

// misfit is the chain's own rule.
func (m *Market) misfit(e *Entry, d leasetypes.Demand) leasetypes.Misfit {
	if misfit := d.Container(e.Container); misfit != leasetypes.Fits {
		return misfit
	}
	terms, ok := e.Offer.In(d.Mode)
	if !ok {
		return leasetypes.MisfitMode
	}
	if misfit := d.Offer(terms); misfit != leasetypes.Fits {
		return misfit
	}
	if m.params.Silent(e.LastSeen, m.now) || !providertypes.Open(e.Container.Windows, m.now) {
		return leasetypes.MisfitBusy
	}
	return leasetypes.Fits
}

// walk goes through the free Containers in order of price; false where the budget ended before the answer was complete.
func (s *search) walk() bool {
	r := s.q.Requirement
	list := s.m.cheap[shelf{mode: s.mode, class: r.Class, denom: s.q.Denom, region: r.Region}]
	if list == nil {
		return true
	}
	complete, steps := true, 0
	list.Scan(func(key priced) bool {
		if steps++; steps > walkBudget {
			complete = false
			return false
		}
		if s.q.MaxRate.LT(anyRate) && key.rate > s.q.MaxRate.Uint64() {
			return false
		}
		return !s.consider(s.m.at(uint64(key.id)))
	})
	return complete
}

// intersect goes through the Containers that are in every set which the requirement names, cheapest first.
func (s *search) intersect() {
	s.open, s.held = nil, nil
	sets := s.m.sets(s.q.Demand)
	if sets == nil {
		return
	}
	var found []priced
	it := roaring.FastAnd(sets...).ManyIterator()
	var buf [256]uint32
	for n := it.NextMany(buf[:]); n > 0; n = it.NextMany(buf[:]) {
		for _, id := range buf[:n] {
			shard, slot := providertypes.ShardOf(uint64(id))
			found = append(found, priced{s.m.pages[shard].rates[s.mode][slot], id})
		}
	}
	// A heap gives the cheapest one after the other: most answers need few of them.
	heapify(found)
	for len(found) > 0 {
		if s.consider(s.m.at(uint64(found[0].id))) {
			return
		}
		found = popHeap(found)
	}
}

// sets that hold whatever fits; nil where one of them is empty.
func (m *Market) sets(d leasetypes.Demand) []*roaring.Bitmap {
	r := d.Requirement
	sets := []*roaring.Bitmap{m.priced[coin{indexOf(d.Mode), d.Denom}], m.classes[r.Class]}
	if r.Region != "" {
		sets = append(sets, m.regions[r.Region])
	}
	for size := range m.sizes {
		if least := leastOf(r, dimension(size)); least > 0 {
			sets = append(sets, m.sizes[size].atLeast(least))
		}
	}
	if slices.Contains(sets, nil) {
		return nil
	}
	return sets
}

func (s *search) candidates() []Candidate {
	out := make([]Candidate, 0, s.q.Limit)
	for _, e := range s.open {
		out = append(out, s.candidate(e, false))
	}
	for _, e := range s.held {
		if len(out) == s.q.Limit {
			break
		}
		out = append(out, s.candidate(e, true))
	}
	return out
}

func (s *search) candidate(e *Entry, held bool) Candidate {
	terms, _ := e.Offer.In(s.q.Mode) // it is listed in this mode
	return Candidate{Entry: *e, Terms: terms, Reserved: held}
}

// explain names the first dimension that leaves nothing, with what there was before it.
func (m *Market) explain(q Query) string {
	r := q.Requirement
	class := m.classes[r.Class]
	if r.Class == "" {
		return "class: name one; `athd query providers classes` lists them"
	}
	if class == nil {
		return fmt.Sprintf("class: no Container of class %q is registered", r.Class)
	}
	left := roaring.And(class, m.free)
	if left.IsEmpty() {
		return fmt.Sprintf("free: none of the %d Containers of class %q is free and offered", class.GetCardinality(), r.Class)
	}
	in := m.priced[coin{indexOf(q.Mode), q.Denom}]
	if in == nil || !left.Intersects(in) {
		return fmt.Sprintf("mode, price_denom: none of the %d free %q Containers is offered %s and priced in %s", left.GetCardinality(), r.Class, q.Mode.Word(), q.Denom)
	}
	left.And(in)
	if r.Region != "" {
		before := left.GetCardinality()
		if b := m.regions[r.Region]; b == nil || left.AndCardinality(b) == 0 {
			return fmt.Sprintf("region: none of the %d free %q Containers is in %q", before, r.Class, r.Region)
		}
		left.And(m.regions[r.Region])
	}
	for d := range m.sizes {
		least := leastOf(r, dimension(d))
		if least == 0 {
			continue
		}
		fit := m.narrow(left, dimension(d), least)
		if fit.IsEmpty() {
			return fmt.Sprintf("%s: wanted %d, the most among %d free Containers is %d", misfits[d], least,
				left.GetCardinality(), m.most(left, dimension(d)))
		}
		left = fit
	}
	return m.explainOffers(q, left)
}

// maxExplain bounds what is looked at one by one to explain an empty answer; beyond it the explanation is as exact as the sets are.
const maxExplain = 1000

// narrow returns those of a set that have at least a size.
func (m *Market) narrow(in *roaring.Bitmap, d dimension, least uint64) *roaring.Bitmap {
	level := m.sizes[d].atLeast(least)
	if level == nil {
		return roaring.New()
	}
	out := roaring.And(in, level)
	if out.GetCardinality() > maxExplain {
		return out
	}
	for id := range roaring.Values(out.Clone()) {
		if sizeOf(m.at(uint64(id)).Container, d) < least {
			out.Remove(id)
		}
	}
	return out
}

// most is the largest size in a set.
func (m *Market) most(in *roaring.Bitmap, d dimension) (most uint64) {
	for b := len(m.sizes[d]) - 1; b >= 0; b-- {
		level := m.sizes[d][b]
		if level == nil || in.AndCardinality(level) == 0 {
			continue
		}
		seen := 0
		for id := range roaring.Values(roaring.And(in, level)) {
			most = max(most, sizeOf(m.at(uint64(id)).Container, d))
			if seen++; seen == maxExplain {
				break
			}
		}
		return most
	}
	return 0
}

// explainOffers goes on with what is not a size.
func (m *Market) explainOffers(q Query, left *roaring.Bitmap) string {
	var (
		count    = map[leasetypes.Misfit]int{}
		cheapest = uint64(math.MaxUint64)
	)
	n := min(left.GetCardinality(), maxExplain)
	seen := uint64(0)
	for id := range roaring.Values(left) {
		if seen++; seen > n {
			break
		}
		e := m.at(uint64(id))
		misfit := m.misfit(e, q.Demand)
		count[misfit]++
		if misfit == leasetypes.MisfitPrice {
			cheapest = min(cheapest, e.rates[indexOf(q.Mode)])
		}
	}
	switch {
	case count[leasetypes.MisfitBusy] > 0:
		return fmt.Sprintf("availability: of %d Containers that fit the workers have fallen silent, or it is not their time of the week; try again in a moment", count[leasetypes.MisfitBusy])
	case count[leasetypes.MisfitTerm] > 0:
		return fmt.Sprintf("duration: %d of %d Containers that fit do not offer this duration", count[leasetypes.MisfitTerm], n)
	case count[leasetypes.MisfitTenant] > 0:
		return fmt.Sprintf("tenant: %d of %d Containers that fit are not offered to this tenant", count[leasetypes.MisfitTenant], n)
	default:
		return fmt.Sprintf("max_rate: at most %s millionths of a %s per second, the cheapest of %d Containers that fit costs %d", q.MaxRate, q.Denom, n, cheapest)
	}
}

// heapify and popHeap are a binary heap of prices: container/heap would box every one of them.
func heapify(h []priced) {
	for i := len(h)/2 - 1; i >= 0; i-- {
		siftDown(h, i)
	}
}

func popHeap(h []priced) []priced {
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	siftDown(h, 0)
	return h
}

func siftDown(h []priced, i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(h) && cheaper(h[child], h[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
