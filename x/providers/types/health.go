// SPDX-License-Identifier: Apache-2.0

package types

// The methods of this file are the only ones that change a ShardHealth.

// HealthChange is what a verdict means for the Containers of a shard: all other members are as they were, and are not touched.
type HealthChange struct {
	// Fell are newly confirmed faults.
	Fell Bitmap
	// Rose are found healthy and were not known to be.
	Rose Bitmap
	// Skipped were known to be healthy, but were not found so in this round: they miss its capacity reward.
	Skipped Bitmap
	// Confirmed says that the round counts for the others.
	Confirmed bool
}

// Validate refuses a verdict that contradicts itself.
func (v ShardVerdict) Validate() error {
	for _, b := range []struct {
		name string
		bits []byte
	}{{"healthy", v.Healthy}, {"faulty", v.Faulty}, {"suspect", v.Suspect}} {
		if len(b.bits) > MaxBitmapBytes {
			return ErrInvalidVerdict.Wrapf("%s: want at most %d bytes, have %d", b.name, MaxBitmapBytes, len(b.bits))
		}
	}
	healthy, faulty, suspect := Bitmap(v.Healthy), Bitmap(v.Faulty), Bitmap(v.Suspect)
	if both := healthy.And(faulty).Or(healthy.And(suspect)).Or(faulty.And(suspect)); !both.Empty() {
		return ErrInvalidVerdict.Wrapf("%d slots have two verdicts", both.Count())
	}
	if !v.From.Before(v.Until) {
		return ErrInvalidVerdict.Wrapf("from: want before until %s, have %s", v.Until, v.From)
	}
	if !faulty.Empty() && (v.FaultSince.IsZero() || v.FaultSince.After(v.From)) {
		return ErrInvalidVerdict.Wrapf("fault_since: want at most from %s, have %s", v.From, v.FaultSince)
	}
	return nil
}

// Apply speaks a verdict on the members of the round before, and lets the joining ones become members. A round that was
// not decided changes the health of nobody. A verdict on a round that was confirmed already is refused.
func (h ShardHealth) Apply(v ShardVerdict) (ShardHealth, HealthChange, error) {
	if err := v.Validate(); err != nil {
		return h, HealthChange{}, err
	}
	if v.From.Before(h.ConfirmedUntil) {
		return h, HealthChange{}, ErrInvalidVerdict.Wrapf("shard %d: round %d begins at %s, confirmed until %s",
			h.Shard, v.Round, v.From, h.ConfirmedUntil)
	}
	var change HealthChange
	spoken := Bitmap(h.PreviousMembers)
	h.Suspect = nil
	if v.Decided {
		healthy, faulty := spoken.And(v.Healthy), spoken.And(v.Faulty)
		change = HealthChange{
			Fell:      faulty.AndNot(h.Faulty),
			Rose:      healthy.AndNot(h.Healthy),
			Skipped:   spoken.And(h.Healthy).AndNot(healthy),
			Confirmed: !spoken.Empty(),
		}
		h.Healthy = Bitmap(h.Healthy).AndNot(faulty).Or(healthy)
		h.Faulty = Bitmap(h.Faulty).AndNot(healthy).Or(faulty)
		h.Suspect = spoken.And(v.Suspect)
		h.ConfirmedUntil = v.Until
	}
	h.PreviousMembers = h.Members
	h.Members = Bitmap(h.Members).Or(h.Joining)
	h.Joining = nil
	return h, change, nil
}

// Join lets a slot be checked from the next verdict on; nothing that was found before counts.
func (h ShardHealth) Join(slot uint64) ShardHealth {
	h = h.Leave(slot)
	h.Joining = Bitmap(h.Joining).With(slot)
	return h
}

// Leave forgets a slot.
func (h ShardHealth) Leave(slot uint64) ShardHealth {
	for _, b := range h.bitmaps() {
		*b = Bitmap(*b).Without(slot)
	}
	return h
}

// Checks says whether a slot is checked now or from the next verdict on.
func (h ShardHealth) Checks(slot uint64) bool {
	return Bitmap(h.Members).Has(slot) || Bitmap(h.Joining).Has(slot)
}

// Vacant says that no Container of the shard is checked: then nothing about it is worth keeping.
func (h ShardHealth) Vacant() bool {
	return Bitmap(h.Members).Empty() && Bitmap(h.Joining).Empty()
}

// Validate checks the form of a stored shard and that its bitmaps fit each other.
func (h ShardHealth) Validate() error {
	for _, b := range h.bitmaps() {
		if len(*b) > MaxBitmapBytes {
			return ErrInvalidGenesis.Wrapf("shard %d: bitmap of %d bytes, want at most %d", h.Shard, len(*b), MaxBitmapBytes)
		}
		if n := len(*b); n > 0 && (*b)[n-1] == 0 {
			return ErrInvalidGenesis.Wrapf("shard %d: bitmap ends in a zero byte", h.Shard)
		}
	}
	members, previous := Bitmap(h.Members), Bitmap(h.PreviousMembers)
	healthy, faulty := Bitmap(h.Healthy), Bitmap(h.Faulty)
	switch {
	case h.Vacant():
		return ErrInvalidGenesis.Wrapf("shard %d: nothing is checked in it", h.Shard)
	case !previous.AndNot(members).Empty():
		return ErrInvalidGenesis.Wrapf("shard %d: previous_members beyond members", h.Shard)
	case !members.And(h.Joining).Empty():
		return ErrInvalidGenesis.Wrapf("shard %d: joining slots are members already", h.Shard)
	case !healthy.And(faulty).Empty():
		return ErrInvalidGenesis.Wrapf("shard %d: slots both healthy and faulty", h.Shard)
	case !healthy.Or(faulty).Or(h.Suspect).AndNot(members).Empty():
		return ErrInvalidGenesis.Wrapf("shard %d: verdicts beyond members", h.Shard)
	}
	return nil
}

func (h *ShardHealth) bitmaps() []*[]byte {
	return []*[]byte{&h.Healthy, &h.Faulty, &h.Suspect, &h.Members, &h.PreviousMembers, &h.Joining}
}
