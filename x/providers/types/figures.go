// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// PartRoundedDown is what part is of whole, both not negative.
func PartRoundedDown(part, whole math.Int) Part {
	if !whole.IsPositive() {
		return Part{}
	}
	return Part{Available: true, Ppm: part.MulRaw(Million).Quo(whole).Uint64()}
}

// NewUtilisation is that of no Container.
func NewUtilisation() Utilisation {
	zero := math.ZeroInt()
	return Utilisation{Weight: zero, ReadyWeight: zero, BoundWeight: zero}
}

// Count adds a class, weighed as the catalogue says now; Divide comes after the last one.
func (u Utilisation) Count(class Class, f athtypes.ClassFigures) Utilisation {
	weight := math.NewIntFromUint64(class.Weight)
	u.Containers += uint64(f.Containers)
	u.Ready += uint64(f.Ready)
	u.Bound += uint64(f.Bound)
	u.Weight = u.Weight.Add(weight.MulRaw(f.Units))
	u.ReadyWeight = u.ReadyWeight.Add(weight.MulRaw(f.ReadyUnits))
	u.BoundWeight = u.BoundWeight.Add(weight.MulRaw(f.BoundUnits))
	return u
}

// Divide computes the parts.
func (u Utilisation) Divide() Utilisation {
	all := math.NewIntFromUint64(u.Containers)
	u.ReadyPart = PartRoundedDown(math.NewIntFromUint64(u.Ready), all)
	u.BoundPart = PartRoundedDown(math.NewIntFromUint64(u.Bound), all)
	u.ReadyWeightPart = PartRoundedDown(u.ReadyWeight, u.Weight)
	u.BoundWeightPart = PartRoundedDown(u.BoundWeight, u.Weight)
	return u
}

// NewClassApr is what a class earns of what is emitted for capacity in a year, while weight is what earns in all classes.
func NewClassApr(class Class, f athtypes.ClassFigures, perYear, weight, edge, enterprise math.Int) ClassApr {
	a := ClassApr{
		Class: class.Name, UnitPerYear: math.ZeroInt(), EdgeStake: edge, EnterpriseStake: enterprise,
		Weight: f.Weight, Stake: f.Stake, Edge: athtypes.NoApr(), Enterprise: athtypes.NoApr(), Average: athtypes.NoApr(),
	}
	if !weight.IsPositive() {
		return a
	}
	a.UnitPerYear = perYear.Mul(math.NewIntFromUint64(class.Weight)).Quo(weight)
	a.Edge, a.Enterprise = athtypes.NewApr(a.UnitPerYear, edge), athtypes.NewApr(a.UnitPerYear, enterprise)
	a.Average = athtypes.NewApr(perYear.Mul(f.Weight).Quo(weight), f.Stake)
	return a
}
