// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/providers/types"
)

// twoClasses are "cpu", one unit of which weighs 1,000 and costs 5 ATH to stake, and "big", of which one weighs 20,000.
func (f *fixture) twoClasses(t *testing.T) {
	t.Helper()
	var big types.Class
	for _, class := range types.DefaultClasses() {
		if class.Name == "cpu" {
			require.EqualValues(t, 1_000, class.Weight)
			big = class
		}
	}
	big.Name, big.Weight, big.Stake = "big", 20_000, math.NewInt(50_000_000)
	_, err := f.msgs.SetClasses(f.ctx, &types.MsgSetClasses{Authority: authority.String(), Classes: []types.Class{big}})
	require.NoError(t, err)
}

// big registers a Container of so many units of class big.
func (f *fixture) big(t *testing.T, machine int, count uint32) uint64 {
	t.Helper()
	c := cpu(machine)
	_, private := workerKey(machine)
	c.Class, c.Count = "big", count
	c.WorkerSignature = ed25519.Sign(private, types.RegistrationSignBytes("", owner.String(), c.Class, c.Fingerprint))
	res, err := f.msgs.RegisterContainers(f.ctx, &types.MsgRegisterContainers{
		Owner: owner.String(), MaxStake: math.NewInt(capital), Containers: []types.NewContainer{c},
	})
	require.NoError(t, err)
	return res.Ids[0]
}

func (f *fixture) utilisation(t *testing.T, class string) *types.QueryUtilisationResponse {
	t.Helper()
	res, err := f.queries.Utilisation(f.ctx, &types.QueryUtilisationRequest{Class: class})
	require.NoError(t, err)
	return res
}

func (f *fixture) apr(t *testing.T, class string) *types.QueryAprResponse {
	t.Helper()
	res, err := f.queries.Apr(f.ctx, &types.QueryAprRequest{Class: class})
	require.NoError(t, err)
	return res
}

func part(ppm uint64) types.Part { return types.Part{Available: true, Ppm: ppm} }

// Three CPUs of weight 1,000 are ready and one of them is leased; of class big a Container of two units is only registered.
func TestUtilisation(t *testing.T) {
	f := newFixture(t)
	f.twoClasses(t)
	none := f.utilisation(t, "")
	require.Empty(t, none.Classes)
	require.Equal(t, types.Part{}, none.All.BoundPart, "of nothing there is no part")
	require.Equal(t, types.Part{}, none.All.BoundWeightPart)

	ids := f.ready(t, 3)
	bigID := f.big(t, 7, 2)
	require.NoError(t, bind(f.k, f.ctx, ids[0], "tenant/1"))
	res := f.utilisation(t, "")
	require.Len(t, res.Classes, 2)
	require.Equal(t, types.Utilisation{
		Class: "big", Containers: 1, Weight: math.NewInt(40_000), ReadyWeight: math.ZeroInt(), BoundWeight: math.ZeroInt(),
		ReadyPart: part(0), BoundPart: part(0), ReadyWeightPart: part(0), BoundWeightPart: part(0),
	}, res.Classes[0])
	require.Equal(t, types.Utilisation{
		Class: "cpu", Containers: 3, Ready: 2, Bound: 1,
		Weight: math.NewInt(3_000), ReadyWeight: math.NewInt(2_000), BoundWeight: math.NewInt(1_000),
		ReadyPart: part(666_666), BoundPart: part(333_333), ReadyWeightPart: part(666_666), BoundWeightPart: part(333_333),
	}, res.Classes[1])
	require.Equal(t, types.Utilisation{
		Containers: 4, Ready: 2, Bound: 1, Weight: math.NewInt(43_000), ReadyWeight: math.NewInt(2_000), BoundWeight: math.NewInt(1_000),
		ReadyPart: part(500_000), BoundPart: part(250_000), ReadyWeightPart: part(46_511), BoundWeightPart: part(23_255),
	}, res.All)
	require.Equal(t, res.Classes[1:], f.utilisation(t, "cpu").Classes)

	// In maintenance it is bound until its lease ends; then it is neither.
	_, err := f.msgs.SetMaintenance(f.ctx, &types.MsgSetMaintenance{Operator: operator.String(), Ids: ids[:1], On: true})
	require.NoError(t, err)
	require.EqualValues(t, 1, f.utilisation(t, "").All.Bound)
	require.NoError(t, f.k.Release(f.ctx, ids[0], "tenant/1", false))
	require.EqualValues(t, 0, f.utilisation(t, "").All.Bound)
	require.EqualValues(t, 2, f.utilisation(t, "").All.Ready)

	_, err = f.msgs.RetireContainers(f.ctx, &types.MsgRetireContainers{Owner: owner.String(), Ids: append(ids, bigID)})
	require.NoError(t, err)
	require.Empty(t, f.utilisation(t, "").Classes)
	require.Empty(t, f.figures)
	one := f.utilisation(t, "big")
	require.Len(t, one.Classes, 1, "a class of the catalogue is shown where it is asked for")
	require.False(t, one.Classes[0].BoundPart.Available)
	_, err = f.queries.Utilisation(f.ctx, &types.QueryUtilisationRequest{Class: "huge"})
	require.ErrorContains(t, err, "NotFound")
}

// 630,000,000 uath are emitted for capacity in a year. Two CPUs and a Container of three big units weigh 62,000. One unit of
// big so earns 203,225,806 on a stake of 50 ATH, half as much more for an enterprise.
func TestApr(t *testing.T) {
	f := newFixture(t)
	f.twoClasses(t)
	f.economy.perYear = math.NewInt(630_000_000)
	empty := f.apr(t, "cpu").Classes[0]
	require.False(t, empty.Edge.Available || empty.Enterprise.Available || empty.Average.Available, "nothing weighs")
	require.True(t, empty.UnitPerYear.IsZero())
	require.Len(t, f.apr(t, "").Classes, len(types.DefaultClasses())+1)

	ids := f.ready(t, 3)
	require.NoError(t, f.k.SetOffered(f.ctx, ids[2], false)) // it earns nothing, and must be staked all the same
	bigID := f.big(t, 7, 3)
	f.heartbeat(t, bigID)
	for round := uint64(4); round < 7; round++ {
		f.verdict(t, round, types.BitmapOf(append(ids, bigID)...), nil, nil)
	}
	require.NoError(t, f.k.SetOffered(f.ctx, bigID, true))

	res := f.apr(t, "")
	require.Equal(t, "630000000", res.CapacityPerYear.String())
	require.Equal(t, "62000", res.Weight.String())
	byName := make(map[string]types.ClassApr)
	for _, class := range res.Classes {
		byName[class.Class] = class
	}
	big, cpu := byName["big"], byName["cpu"]
	require.Equal(t, "203225806", big.UnitPerYear.String(), "630,000,000 x 20,000 / 62,000")
	require.Equal(t, "50000000", big.EdgeStake.String())
	require.Equal(t, athtypes.Apr{Available: true, Ppm: math.NewInt(4_064_516)}, big.Edge)
	require.Equal(t, big.UnitPerYear.MulRaw(1_000_000).Quo(big.EnterpriseStake), big.Enterprise.Ppm)
	require.NotEqual(t, big.EdgeStake, big.EnterpriseStake)
	require.Equal(t, "60000", big.Weight.String())
	require.Equal(t, "150000000", big.Stake.String())
	require.Equal(t, big.Edge.Ppm, big.Average.Ppm, "609,677,419 on 150 ATH: all of them earn")
	require.Equal(t, "10161290", cpu.UnitPerYear.String())
	require.Equal(t, cpu.EdgeStake.MulRaw(3), cpu.Stake)
	require.Equal(t, math.NewInt(20_322_580).MulRaw(1_000_000).Quo(cpu.Stake), cpu.Average.Ppm, "two of three earn")
	for name, class := range byName {
		if name != "cpu" && name != "big" {
			require.True(t, class.Edge.Available, name)
			require.Equal(t, athtypes.NoApr(), class.Average, name)
		}
	}
	require.Equal(t, []types.ClassApr{big}, f.apr(t, "big").Classes)
	_, err := f.queries.Apr(f.ctx, &types.QueryAprRequest{Class: "huge"})
	require.ErrorContains(t, err, "NotFound")
}

// A chain that begins from an export counts the same, though figures are not in it.
func TestFiguresAreCountedAnew(t *testing.T) {
	f := newFixture(t)
	f.twoClasses(t)
	ids := f.ready(t, 3)
	f.big(t, 7, 2)
	require.NoError(t, bind(f.k, f.ctx, ids[0], "tenant/1"))
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	other := newFixture(t)
	other.ctx = other.ctx.WithBlockTime(f.ctx.BlockTime())
	require.NoError(t, other.k.InitGenesis(other.ctx, *g))
	require.Equal(t, fmt.Sprint(f.figures), fmt.Sprint(other.figures))
	require.JSONEq(t, string(f.export(t)), string(other.export(t)))
}

// The invariant notices every figure that is not what the Containers say.
func TestFiguresInvariantNotices(t *testing.T) {
	f := newFixture(t)
	f.ready(t, 2)
	right := f.figures["cpu"]
	for name, change := range map[string]func(*athtypes.ClassFigures){
		"containers":  func(c *athtypes.ClassFigures) { c.Containers++ },
		"ready":       func(c *athtypes.ClassFigures) { c.Ready-- },
		"bound":       func(c *athtypes.ClassFigures) { c.Bound++ },
		"units":       func(c *athtypes.ClassFigures) { c.Units++ },
		"ready units": func(c *athtypes.ClassFigures) { c.ReadyUnits++ },
		"bound units": func(c *athtypes.ClassFigures) { c.BoundUnits++ },
		"weight":      func(c *athtypes.ClassFigures) { c.Weight = c.Weight.AddRaw(1) },
		"stake":       func(c *athtypes.ClassFigures) { c.Stake = c.Stake.SubRaw(1) },
	} {
		wrong := right
		change(&wrong)
		f.figures["cpu"] = wrong
		require.ErrorContains(t, f.k.CheckInvariants(f.ctx), "class cpu", name)
	}
	f.figures["cpu"] = right
	require.NoError(t, f.k.CheckInvariants(f.ctx))
	f.figures["gone"] = athtypes.ClassFigures{Class: "gone", Containers: 1, Weight: math.ZeroInt(), Stake: math.ZeroInt()}
	require.ErrorContains(t, f.k.CheckInvariants(f.ctx), "figures of 2 classes")
}
