// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// NewContainerStake is that of a Container that was just registered.
func NewContainerStake(container uint64, required, base math.Int) ContainerStake {
	return ContainerStake{Container: container, Required: required, Held: math.ZeroInt(), Base: base}
}

// NewStake is that of units of a class that are registered now; the Container's id comes later.
func (p Params) NewStake(class Class, tier Tier, count uint32, index uint64) ContainerStake {
	return NewContainerStake(0, p.StakeRoundedUp(class, tier, count, index), p.BaseRoundedUp(class, tier, count))
}

// SumBase is what new Containers count for in the base stake.
func SumBase(stakes []ContainerStake) math.Int {
	sum := math.ZeroInt()
	for _, s := range stakes {
		sum = sum.Add(s.Base)
	}
	return sum
}

// Retire notes when the stake of a Container that ends is ripe.
func (s ContainerStake) Retire(ripe uint64) ContainerStake {
	s.Ripe = ripe
	return s
}

// Hold adds to what tickets hold of the stake; a negative amount takes away.
func (s ContainerStake) Hold(amount math.Int) ContainerStake {
	s.Held = s.Held.Add(amount)
	return s
}

// Spent says whether the record means nothing any more: its Container has retired, and no ticket holds stake of it.
func (s ContainerStake) Spent() bool { return s.Ripe > 0 && s.Held.IsZero() }

// Validate checks a record of a genesis state.
func (s ContainerStake) Validate() error {
	if s.Required.IsNil() || !s.Required.IsPositive() || s.Held.IsNil() || s.Held.IsNegative() || s.Held.GT(s.Required) || s.Spent() ||
		s.Base.IsNil() || !s.Base.IsPositive() {
		return ErrInvalidGenesis.Wrapf("stake of container %d: requires %s, counts for %s, tickets hold %s, ripe at %d",
			s.Container, s.Required, s.Base, s.Held, s.Ripe)
	}
	return nil
}
