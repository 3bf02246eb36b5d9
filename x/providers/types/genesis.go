// SPDX-License-Identifier: Apache-2.0

package types

import "bytes"

// DefaultGenesis has the default catalogue and nobody in it.
func DefaultGenesis() *GenesisState {
	return &GenesisState{
		Params: DefaultParams(), Classes: DefaultClasses(), NextContainer: 1, NextTicket: 1, Coefficient: NewCoefficient(),
	}
}

// Validate checks every record and that they fit each other. Addresses and stake are checked where the codec and the vault are.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	if err := validateClasses(g.Classes); err != nil {
		return err
	}
	owned, err := g.validateContainers()
	if err != nil {
		return err
	}
	if err := g.validateProviders(owned); err != nil {
		return err
	}
	if err := g.validateHeartbeats(); err != nil {
		return err
	}
	if err := g.validateShards(); err != nil {
		return err
	}
	return g.validateTickets()
}

// validateContainers returns how many Containers each provider owns.
func (g GenesisState) validateContainers() (map[string]uint64, error) {
	if len(g.Containers) != len(g.Statuses) {
		return nil, ErrInvalidGenesis.Wrapf("%d containers and %d statuses", len(g.Containers), len(g.Statuses))
	}
	classes := make(map[string]bool, len(g.Classes))
	for _, c := range g.Classes {
		classes[c.Name] = true
	}
	owned := make(map[string]uint64, len(g.Providers))
	fingerprints := make(map[string]uint64, len(g.Containers))
	last := uint64(0)
	for i, c := range g.Containers {
		if c.Id <= last {
			return nil, ErrInvalidGenesis.Wrapf("containers[%d]: id %d after %d", i, c.Id, last)
		}
		last = c.Id
		form := NewContainer{
			Class: c.Class, Count: c.Count, Spec: c.Spec, WorkerPubkey: c.WorkerPubkey, Fingerprint: c.Fingerprint,
			Endpoint: c.Endpoint, Connectivity: c.Connectivity, Region: c.Region, Windows: c.Windows,
		}
		if err := form.Validate(); err != nil {
			return nil, At(i, err)
		}
		if !classes[c.Class] {
			return nil, ErrInvalidGenesis.Wrapf("container %d: class %s is not in the catalogue", c.Id, c.Class)
		}
		if other, ok := fingerprints[string(c.Fingerprint)]; ok {
			return nil, ErrInvalidGenesis.Wrapf("containers %d and %d have one fingerprint", other, c.Id)
		}
		fingerprints[string(c.Fingerprint)] = c.Id
		owned[c.Provider]++
		if g.Statuses[i].Id != c.Id {
			return nil, ErrInvalidGenesis.Wrapf("statuses[%d]: id %d, want %d", i, g.Statuses[i].Id, c.Id)
		}
		if err := g.Statuses[i].Validate(); err != nil {
			return nil, err
		}
	}
	if g.NextContainer <= last {
		return nil, ErrInvalidGenesis.Wrapf("next_container: want more than %d, have %d", last, g.NextContainer)
	}
	return owned, nil
}

func (g GenesisState) validateProviders(owned map[string]uint64) error {
	known := uint64(0)
	seen := make(map[string]bool, len(g.Providers))
	for i, p := range g.Providers {
		if seen[p.Owner] {
			return ErrInvalidGenesis.Wrapf("providers[%d]: %s comes twice", i, p.Owner)
		}
		seen[p.Owner] = true
		if p.Tier != Tier_TIER_EDGE && p.Tier != Tier_TIER_ENTERPRISE {
			return ErrInvalidGenesis.Wrapf("provider %s: tier %d", p.Owner, p.Tier)
		}
		if err := validateProfile(p.Operators, p.Country, p.Contact, p.Domain); err != nil {
			return err
		}
		if p.Containers != owned[p.Owner] {
			return ErrInvalidGenesis.Wrapf("provider %s: counts %d containers, has %d", p.Owner, p.Containers, owned[p.Owner])
		}
		known += p.Containers
	}
	if known != uint64(len(g.Containers)) {
		return ErrInvalidGenesis.Wrapf("%d containers have no provider", uint64(len(g.Containers))-known)
	}
	return nil
}

func (g GenesisState) validateHeartbeats() error {
	at := 0
	for i, h := range g.Heartbeats {
		for at < len(g.Containers) && g.Containers[at].Id < h.Id {
			at++
		}
		if at == len(g.Containers) || g.Containers[at].Id != h.Id {
			return ErrInvalidGenesis.Wrapf("heartbeats[%d]: no container %d, or out of order", i, h.Id)
		}
		at++
	}
	return nil
}

// validateShards checks that exactly the checked Containers have bits, and those that their states ask for.
func (g GenesisState) validateShards() error {
	shards := make(map[uint64]ShardHealth, len(g.Shards))
	bits := 0
	for i, h := range g.Shards {
		if i > 0 && h.Shard <= g.Shards[i-1].Shard {
			return ErrInvalidGenesis.Wrapf("shards[%d]: %d after %d", i, h.Shard, g.Shards[i-1].Shard)
		}
		if err := h.Validate(); err != nil {
			return err
		}
		shards[h.Shard] = h
		bits += Bitmap(h.Members).Count() + Bitmap(h.Joining).Count()
	}
	for _, s := range g.Statuses {
		shard, _ := ShardOf(s.Id)
		if err := s.FitsShard(shards[shard]); err != nil {
			return err
		}
		if s.State.Checked() {
			bits--
		}
	}
	if bits != 0 {
		return ErrInvalidGenesis.Wrapf("shards check %d slots without container", bits)
	}
	return nil
}

// Validate checks that the parts of a status fit each other.
func (s ContainerStatus) Validate() error {
	fail := func(format string, args ...any) error {
		return ErrInvalidGenesis.Wrapf("container %d is %s: "+format, append([]any{s.Id, s.State.Label()}, args...)...)
	}
	switch {
	case s.State <= ContainerState_CONTAINER_STATE_UNSPECIFIED || s.State >= retired:
		return fail("no state of a living container")
	case s.State.Bound() != (s.Lease != ""):
		return fail("lease %q", s.Lease)
	case s.Faulty() && !s.State.Checked():
		return fail("a fault outside of checked states")
	case s.State == ready && s.Faulty():
		return fail("a fault in a state that may be leased")
	case s.State == offline && !s.Faulty():
		return fail("no fault")
	case s.DeviceFault != "" && s.State != quality && s.State != maintenance && !s.State.Bound():
		return fail("a broken device on the market")
	case s.Outage < 0:
		return fail("outage of %s", s.Outage)
	case s.Weight > 0 && !s.Earns():
		return fail("weight of %d that it may not earn with", s.Weight)
	case !isText(s.Reason, MaxText):
		return fail("reason of %d bytes", len(s.Reason))
	case !isText(s.DeviceFault, maxDeviceText):
		return fail("device_fault of %d bytes", len(s.DeviceFault))
	}
	return nil
}

// FitsShard checks that the shard's bits are those that the state asks for.
func (s ContainerStatus) FitsShard(h ShardHealth) error {
	_, slot := ShardOf(s.Id)
	healthy, faulty := Bitmap(h.Healthy).Has(slot), Bitmap(h.Faulty).Has(slot)
	fail := func(what string) error {
		return ErrInvalidGenesis.Wrapf("container %d is %s: %s in shard %d", s.Id, s.State.Label(), what, h.Shard)
	}
	switch {
	case s.State.Checked() != h.Checks(slot):
		return fail("wrong membership")
	case s.Faulty() != faulty:
		return fail("fault and faulty bit differ")
	case s.State == ready && !healthy:
		return fail("not healthy")
	case s.State.Bound() && healthy == faulty:
		return fail("neither healthy nor faulty")
	case (s.State == checking || s.State == quality) && healthy:
		return fail("healthy before its verdict")
	}
	return nil
}

// Equal says whether nothing changed between two statuses.
func (s ContainerStatus) Equal(o ContainerStatus) bool { return equal(&s, &o) }

// Equal says whether nothing changed between two shards.
func (h ShardHealth) Equal(o ShardHealth) bool { return equal(&h, &o) }

func equal(a, b interface{ Marshal() ([]byte, error) }) bool {
	x, errX := a.Marshal()
	y, errY := b.Marshal()
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
