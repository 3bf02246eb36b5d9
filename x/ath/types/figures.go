// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// NewClassFigures counts nothing.
func NewClassFigures(class string) ClassFigures {
	return ClassFigures{Class: class, Weight: math.ZeroInt(), Stake: math.ZeroInt()}
}

// Add adds what others of the same class count.
func (f ClassFigures) Add(other ClassFigures) ClassFigures {
	f.Containers += other.Containers
	f.Ready += other.Ready
	f.Bound += other.Bound
	f.Units += other.Units
	f.ReadyUnits += other.ReadyUnits
	f.BoundUnits += other.BoundUnits
	f.Weight, f.Stake = f.Weight.Add(other.Weight), f.Stake.Add(other.Stake)
	return f
}

// Neg takes away what f counts.
func (f ClassFigures) Neg() ClassFigures {
	return ClassFigures{
		Class: f.Class, Containers: -f.Containers, Ready: -f.Ready, Bound: -f.Bound,
		Units: -f.Units, ReadyUnits: -f.ReadyUnits, BoundUnits: -f.BoundUnits,
		Weight: f.Weight.Neg(), Stake: f.Stake.Neg(),
	}
}

// Zero says whether nothing is counted.
func (f ClassFigures) Zero() bool {
	return f.Containers == 0 && f.Ready == 0 && f.Bound == 0 && f.Units == 0 && f.ReadyUnits == 0 && f.BoundUnits == 0 &&
		f.Weight.IsZero() && f.Stake.IsZero()
}

// SumFigures adds up figures per class, in the order in which the classes come first.
func SumFigures(figures []ClassFigures) []ClassFigures {
	var sums []ClassFigures
	at := make(map[string]int)
	for _, f := range figures {
		i, ok := at[f.Class]
		if !ok {
			i = len(sums)
			at[f.Class], sums = i, append(sums, NewClassFigures(f.Class))
		}
		sums[i] = sums[i].Add(f)
	}
	return sums
}
