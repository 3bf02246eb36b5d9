// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// NewContainerStake is that of a Container that was just registered.
func NewContainerStake(container uint64, required math.Int) ContainerStake {
	return ContainerStake{Container: container, Required: required, Held: math.ZeroInt()}
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
	if s.Required.IsNil() || !s.Required.IsPositive() || s.Held.IsNil() || s.Held.IsNegative() || s.Held.GT(s.Required) || s.Spent() {
		return ErrInvalidGenesis.Wrapf("stake of container %d: requires %s, tickets hold %s, ripe at %d", s.Container, s.Required, s.Held, s.Ripe)
	}
	return nil
}
