// SPDX-License-Identifier: Apache-2.0

package market

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	sdkmath "cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/offchain/daemon/clock"
	leasetypes "github.com/athnet/ath/x/leases/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	ready  = providertypes.ContainerState_CONTAINER_STATE_READY
	leased = providertypes.ContainerState_CONTAINER_STATE_LEASED
)

func testMarket() (*Market, *clock.Manual) {
	c := clock.NewManual(start)
	m := New(c, 3*time.Second)
	m.SetHead(100, start)
	return m, c
}

// spec of a test Container.
type spec struct {
	id            uint64
	class, region string
	memory, rate  uint64
	count         uint32
	change        func(*providertypes.ContainerStatus, *leasetypes.Offer)
}

func (m *Market) add(s spec) {
	c := providertypes.Container{
		Id: s.id, Provider: "ath1provider", Class: s.class, Count: max(s.count, 1), Region: s.region,
		Spec: providertypes.Spec{MemoryMib: s.memory, CpuMilli: 4000, DiskMib: 1000},
	}
	st := providertypes.ContainerStatus{Id: s.id, State: ready}
	o := leasetypes.Offer{ContainerId: s.id, Denom: "uath", Rate: sdkmath.NewIntFromUint64(s.rate)}
	if s.change != nil {
		s.change(&st, &o)
	}
	m.PutContainer(c)
	m.PutStatus(st)
	m.PutOffer(o)
	m.Heard(start, s.id)
}

func want(class string) Query {
	return Query{Demand: leasetypes.Demand{Requirement: leasetypes.Requirement{Class: class}}}
}

func ids(a Answer) (out []uint64) {
	for _, c := range a.Candidates {
		out = append(out, c.Container.Id)
	}
	return out
}

func TestMatchIsCheapestFirst(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", region: "eu", memory: 1024, rate: 30})
	m.add(spec{id: 2, class: "cpu", region: "us", memory: 2048, rate: 10})
	m.add(spec{id: 3, class: "cpu", region: "eu", memory: 4096, rate: 20})
	m.add(spec{id: 4, class: "gpu", region: "eu", memory: 4096, rate: 1})
	m.add(spec{id: 5, class: "cpu", region: "eu", memory: 4096, rate: 1, change: func(s *providertypes.ContainerStatus, _ *leasetypes.Offer) { s.State = leased }})
	require.Equal(t, []uint64{2, 3, 1}, ids(m.Match(want("cpu"))))

	q := want("cpu")
	q.Requirement.Region = "eu"
	require.Equal(t, []uint64{3, 1}, ids(m.Match(q)))
	q.Requirement.MemoryMib = 2000
	require.Equal(t, []uint64{3}, ids(m.Match(q)))
	q = want("cpu")
	q.MaxRate = sdkmath.NewInt(20)
	q.Limit = 1
	require.Equal(t, []uint64{2}, ids(m.Match(q)))
}

// Prices in ATH and in USD are never compared with each other.
func TestMatchIsWithinADenom(t *testing.T) {
	m, _ := testMarket()
	usd := func(_ *providertypes.ContainerStatus, o *leasetypes.Offer) { o.Denom = "musd" }
	m.add(spec{id: 1, class: "cpu", region: "eu", rate: 30})
	m.add(spec{id: 2, class: "cpu", region: "eu", rate: 2, change: usd})
	m.add(spec{id: 3, class: "cpu", region: "us", rate: 1, change: usd})
	m.add(spec{id: 4, class: "gpu", region: "us", rate: 1})
	require.Equal(t, []uint64{1}, ids(m.Match(want("cpu"))), "uath where nothing is said")
	q := want("cpu")
	q.Denom = "musd"
	require.Equal(t, []uint64{3, 2}, ids(m.Match(q)))
	q.Requirement.Region = "eu"
	require.Equal(t, []uint64{2}, ids(m.Match(q)))
	q = want("gpu")
	q.Denom = "musd"
	require.Contains(t, m.Match(q).Reason, "price_denom: none of the 1 free")
	stats := m.Stats()
	require.Equal(t, uint64(30), stats.Classes[0].Cheapest)
	require.Equal(t, uint64(1), stats.Classes[0].CheapestUSD)
	m.PutOffer(leasetypes.Offer{ContainerId: 2, Denom: "uath", Rate: sdkmath.NewInt(5)})
	require.Equal(t, []uint64{2, 1}, ids(m.Match(want("cpu"))))
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", region: "eu", rate: 10})
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: leased})
	require.Empty(t, m.Match(want("cpu")).Candidates)
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: ready})
	require.Equal(t, []uint64{1}, ids(m.Match(want("cpu"))))
	m.RemoveOffer(1)
	require.Empty(t, m.Match(want("cpu")).Candidates)
	m.PutOffer(leasetypes.Offer{ContainerId: 1, Denom: "uath", Rate: sdkmath.NewInt(5)})
	require.EqualValues(t, 5, m.Stats().Classes[0].Cheapest)
	e, ok := m.Get(1)
	require.True(t, ok)
	e.Container.Region = "us"
	m.PutContainer(e.Container)
	q := want("cpu")
	q.Requirement.Region = "us"
	require.Equal(t, []uint64{1}, ids(m.Match(q)))
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: providertypes.ContainerState_CONTAINER_STATE_RETIRED})
	require.Zero(t, m.Stats().Containers)
	require.Empty(t, m.Match(q).Candidates)
}

func TestASilentWorkerIsNotOffered(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", rate: 1})
	p := providertypes.DefaultParams()
	p.HeartbeatInterval = 10 * time.Second
	m.SetParams(p)
	m.SetHead(101, start.Add(30*time.Second))
	require.Equal(t, []uint64{1}, ids(m.Match(want("cpu"))))
	m.SetHead(102, start.Add(31*time.Second))
	require.Contains(t, m.Match(want("cpu")).Reason, "availability")
	m.Heard(start.Add(31*time.Second), 1)
	require.Equal(t, []uint64{1}, ids(m.Match(want("cpu"))))
}

// What the chain would refuse is not offered: outside of its windows, or with less stake than it must bond.
func TestWhatTheChainRefusesIsNotOffered(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", rate: 1})
	c := m.at(1).Container
	minute := uint32(start.Hour()*60 + start.Minute())
	c.Windows = []providertypes.Window{{Days: 127, From: (minute + 60) % 1440, To: (minute+60)%1440 + 1}}
	m.PutContainer(c)
	require.Contains(t, m.Match(want("cpu")).Reason, "availability")
	c.Windows = nil
	m.PutContainer(c)
	require.Equal(t, []uint64{1}, ids(m.Match(want("cpu"))))
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: providertypes.ContainerState_CONTAINER_STATE_READY, UnderStaked: true})
	require.Empty(t, m.Match(want("cpu")).Candidates)
}

func TestTwoTenantsAreNotSentToOneContainer(t *testing.T) {
	m, c := testMarket()
	m.add(spec{id: 1, class: "cpu", rate: 1})
	m.add(spec{id: 2, class: "cpu", rate: 2})
	alice, bob := want("cpu"), want("cpu")
	alice.Tenant, bob.Tenant = "alice", "bob"
	require.Equal(t, []uint64{1, 2}, ids(m.Match(alice)))
	require.Equal(t, []uint64{2, 1}, ids(m.Match(bob)), "reserved ones come last")
	require.Equal(t, []uint64{1, 2}, ids(m.Match(alice)), "one's own reservation does not count")
	carol := want("cpu")
	carol.Tenant = "carol"
	a := m.Match(carol)
	require.Len(t, a.Candidates, 2, "a full market is not an empty one")
	require.True(t, a.Candidates[0].Reserved)
	c.Advance(3 * time.Second)
	require.Equal(t, []uint64{1, 2}, ids(m.Match(carol)), "reservations end")
	require.Equal(t, []uint64{2, 1}, ids(m.Match(bob)))
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: leased})
	m.PutStatus(providertypes.ContainerStatus{Id: 1, State: ready})
	require.Equal(t, []uint64{1, 2}, ids(m.Match(bob)), "a lease ends the reservation")
	require.Empty(t, ids(m.Match(Query{})))
}

func TestReasonsNameTheDimension(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", region: "eu", memory: 1024, rate: 10})
	m.add(spec{id: 2, class: "busy", rate: 1, change: func(s *providertypes.ContainerStatus, _ *leasetypes.Offer) { s.State = leased }})
	m.add(spec{id: 3, class: "closed", rate: 1, change: func(_ *providertypes.ContainerStatus, o *leasetypes.Offer) { o.Allowed = []string{"bob"} }})
	m.add(spec{id: 4, class: "short", rate: 1, change: func(_ *providertypes.ContainerStatus, o *leasetypes.Offer) { o.MaxTerm = time.Hour }})
	for name, tc := range map[string]struct {
		q    Query
		says string
	}{
		"no class":       {want(""), "class: name one"},
		"unknown class":  {want("tpu"), `class: no Container of class "tpu"`},
		"none free":      {want("busy"), "free: none of the 1"},
		"region":         {func() Query { q := want("cpu"); q.Requirement.Region = "us"; return q }(), `region: none of the 1 free "cpu" Containers is in "us"`},
		"memory":         {func() Query { q := want("cpu"); q.Requirement.MemoryMib = 2048; return q }(), "memory_mib: wanted 2048, the most among 1 free Containers is 1024"},
		"memory by much": {func() Query { q := want("cpu"); q.Requirement.MemoryMib = 1 << 60; return q }(), "memory_mib: wanted"},
		"count":          {func() Query { q := want("cpu"); q.Requirement.Count = 2; return q }(), "count: wanted 2"},
		"price":          {func() Query { q := want("cpu"); q.MaxRate = sdkmath.NewInt(9); return q }(), "max_rate: at most 9 millionths of a uath per second, the cheapest of 1 Containers that fit costs 10"},
		"tenant":         {want("closed"), "tenant: 1 of 1"},
		"duration":       {want("short"), "duration: 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			a := m.Match(tc.q)
			require.Empty(t, a.Candidates)
			require.Contains(t, a.Reason, tc.says)
		})
	}
}

func TestAnAbsurdIDIsIgnored(t *testing.T) {
	m, _ := testMarket()
	m.PutContainer(providertypes.Container{Id: 1 << 40, Class: "cpu"})
	m.PutOffer(leasetypes.Offer{ContainerId: 1 << 40})
	m.Heard(start, 1<<40)
	require.Zero(t, m.Stats().Containers)
}

// A mode that is not offered is named, and its price is that of the mode.
func TestModes(t *testing.T) {
	m, _ := testMarket()
	m.add(spec{id: 1, class: "cpu", rate: 30, change: func(_ *providertypes.ContainerStatus, o *leasetypes.Offer) {
		o.Reserved = &leasetypes.ReservedTerms{Rate: sdkmath.NewInt(20), MinTerm: time.Hour, MaxTerm: 2 * time.Hour}
	}})
	m.add(spec{id: 2, class: "cpu", rate: 10})
	require.Equal(t, []uint64{2, 1}, ids(m.Match(want("cpu"))))
	q := want("cpu")
	q.Mode, q.Duration = modeOf[reserved], time.Hour
	a := m.Match(q)
	require.Equal(t, []uint64{1}, ids(a))
	require.Equal(t, "20", a.Candidates[0].Terms.Rate.String())
	q.Duration = 3 * time.Hour
	require.Contains(t, m.Match(q).Reason, "duration:")
	q.Duration, q.MaxRate = time.Hour, sdkmath.NewInt(19)
	require.Contains(t, m.Match(q).Reason, "costs 20")
	m.RemoveOffer(1)
	require.Equal(t, "mode, price_denom: none of the 1 free \"cpu\" Containers is offered reserved and priced in uath", m.Match(q).Reason)
	require.Equal(t, uint64(1), m.Stats().Classes[0].Free)
}

func TestList(t *testing.T) {
	m, _ := testMarket()
	for id := uint64(1); id <= 7; id++ {
		m.add(spec{id: id, class: []string{"a", "b"}[id%2], region: "eu", rate: id})
	}
	var got []uint64
	for f := (Filter{Limit: 2}); ; {
		page, next := m.List(f)
		for _, e := range page {
			got = append(got, e.Container.Id)
		}
		if f.After = next; next == 0 {
			break
		}
	}
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7}, got)
	page, _ := m.List(Filter{Limit: 10, Class: "a", Region: "eu", Provider: "ath1provider"})
	require.Len(t, page, 3)
	page, _ = m.List(Filter{Limit: 10, Class: "c"})
	require.Empty(t, page)
}

// TestMatchAgreesWithANaiveOne holds the trees and sets to a walk over everything, through random changes.
func TestMatchAgreesWithANaiveOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, _ := testMarket()
		n := rapid.IntRange(1, 40).Draw(t, "containers")
		small := func(label string, most int) uint64 { return uint64(rapid.IntRange(0, most).Draw(t, label)) }
		pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
		for range rapid.IntRange(1, 120).Draw(t, "changes") {
			id := 1 + small("id", n-1)*37
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0, 1:
				m.add(spec{id: id, class: pick("class", "a", "b"), region: pick("region", "x", "y"), memory: small("memory", 9),
					rate: 1 + small("rate", 4), count: uint32(1 + small("count", 2))})
			case 2:
				m.PutStatus(providertypes.ContainerStatus{Id: id, State: providertypes.ContainerState(1 + small("state", 8))})
			case 3:
				m.RemoveOffer(id)
			case 4:
				o := leasetypes.Offer{ContainerId: id, Denom: pick("denom", "uath", "musd", "uusdc"), Rate: sdkmath.NewIntFromUint64(1 + small("rate", 4)),
					Denied: slices.Repeat([]string{"alice"}, int(small("denied", 1)))}
				if rate := small("reserved rate", 4); rate > 0 {
					o.Reserved = &leasetypes.ReservedTerms{Rate: sdkmath.NewIntFromUint64(rate), MinTerm: time.Duration(1+small("term", 3)) * time.Hour}
					o.ReservedOnly = small("only", 1) == 1
				}
				m.PutOffer(o)
			}
		}
		q := want(pick("class", "a", "b"))
		q.Denom = pick("priced in", "uath", "musd", "uusdc")
		if q.Mode = modeOf[small("mode", 1)]; q.Mode == modeOf[reserved] {
			q.Duration = time.Duration(small("hours", 4)) * time.Hour
		}
		q.Requirement.Region = pick("region", "", "x", "y")
		q.Requirement.MemoryMib = small("memory", 9)
		q.Requirement.Count = uint32(small("count", 3))
		q.MaxRate = sdkmath.NewIntFromUint64(1 + small("max", 5))
		q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")

		expect := m.naive(q)
		if got := ids(m.Match(q)); !slices.Equal(got, expect) {
			t.Fatalf("match %v, naive %v", got, expect)
		}
		s := search{m: m, mode: indexOf(q.Mode), q: q, clock: start}
		s.intersect()
		var got []uint64
		for _, c := range s.candidates() {
			got = append(got, c.Container.Id)
		}
		if !slices.Equal(got, expect) {
			t.Fatalf("intersect %v, naive %v", got, expect)
		}
		if a := m.Match(q); len(a.Candidates) == 0 && a.Reason == "" {
			t.Fatal("an empty answer without reason")
		}
	})
}

func (m *Market) naive(q Query) (out []uint64) {
	var fit []*Entry
	for _, p := range m.pages {
		if p == nil {
			continue
		}
		for _, e := range p.entries {
			if e != nil && e.alive() && e.Status.State == ready && e.Offer != nil && m.misfit(e, q.Demand) == leasetypes.Fits {
				fit = append(fit, e)
			}
		}
	}
	slices.SortFunc(fit, func(a, b *Entry) int {
		x, _ := a.Offer.In(q.Mode)
		y, _ := b.Offer.In(q.Mode)
		return cmp.Or(x.Rate.BigInt().Cmp(y.Rate.BigInt()), cmp.Compare(a.Container.Id, b.Container.Id))
	})
	for _, e := range fit[:min(len(fit), q.Limit)] {
		out = append(out, e.Container.Id)
	}
	return out
}

func bigMarket(n uint64) *Market {
	m, _ := testMarket()
	r := rand.New(rand.NewPCG(1, 2))
	for id := uint64(1); id <= n; id++ {
		s := spec{
			id: id, class: fmt.Sprintf("class-%d", r.IntN(20)), region: fmt.Sprintf("region-%d", r.IntN(50)),
			memory: uint64(1) << (10 + r.IntN(10)), rate: 100 + uint64(r.IntN(100_000)), count: 1 + uint32(r.IntN(8)),
		}
		// The largest machines cost the most: the hard case for a walk in order of price.
		if s.memory == 1<<19 {
			s.rate += 200_000
		}
		m.add(s)
	}
	return m
}

// BenchmarkMatch at sizes a million apart shows the line that must stay flat.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []uint64{1e5, 1e6} {
		m := bigMarket(n)
		for _, tc := range []struct {
			name string
			r    leasetypes.Requirement
		}{
			{"class", leasetypes.Requirement{Class: "class-3"}},
			{"region", leasetypes.Requirement{Class: "class-3", Region: "region-7"}},
			{"rare", leasetypes.Requirement{Class: "class-3", MemoryMib: 1 << 19, Count: 8}},
			{"nothing", leasetypes.Requirement{Class: "class-3", MemoryMib: 1 << 40}},
		} {
			b.Run(fmt.Sprintf("%s/%d", tc.name, n), func(b *testing.B) {
				b.ReportAllocs()
				q := Query{Demand: leasetypes.Demand{Requirement: tc.r}}
				for b.Loop() {
					m.Match(q)
				}
			})
		}
	}
}
