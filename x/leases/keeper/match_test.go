// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// TestCandidatesAndClass: the first candidate that fits wins; without one the chain picks the cheapest of the class. A candidate that is
// closed to the tenant is passed over, and by class nothing is found that is closed to anybody.
func TestCandidatesAndClass(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 30)
	w.addOffer(2, 1, 20)
	w.addOffer(3, 2, 10)
	w.addContainer(4, 2)
	only := offer(4, 1)
	only.Allowed = []string{tenant(2).String()}
	w.addContainer(5, 2)
	not := offer(5, 2)
	not.Denied = []string{tenant(3).String(), tenant(1).String()}
	require.NoError(t, w.k.SetOffers(w.ctx, operator(2), []types.Offer{only, not}))
	w.fund(tenant(1), 1_000_000)

	require.Equal(t, uint64(2), leased(w, order(tenant(1), 50_000, 4, 5, 2, 3)), "closed offers are passed over")
	byClass := order(tenant(1), 0)
	byClass.Requirement = &types.Requirement{Class: "cpu", MemoryMib: 1024}
	require.Equal(t, uint64(3), leased(w, byClass))
	both := order(tenant(1), 50_000, 2, 3)
	both.Requirement = &types.Requirement{Class: "cpu"}
	require.Equal(t, uint64(1), leased(w, both), "taken candidates fall back to the class")
	w.check()

	_, err := w.msgs.CreateLease(w.ctx, both)
	require.ErrorIs(t, err, types.ErrNoMatch)
	require.ErrorContains(t, err, "container 2: not free")
	require.ErrorContains(t, err, "class cpu: no offers")
	_, err = w.msgs.CreateLease(w.ctx, order(tenant(1), 50_000, 4, 5))
	require.ErrorIs(t, err, types.ErrNoMatch)
	require.ErrorContains(t, err, "container 4: closed to this tenant, container 5: closed to this tenant")
	require.ErrorContains(t, w.create(order(tenant(3), 0, 5)), "container 5: closed to this tenant", "whichever place in the list")
	w.fund(tenant(4), 50_000)
	require.Equal(t, uint64(5), leased(w, order(tenant(4), 50_000, 5)), "others have it")
}

func leased(w *world, msg *types.MsgCreateLease) uint64 {
	w.tb.Helper()
	res, err := w.msgs.CreateLease(w.ctx, msg)
	require.NoError(w.tb, err)
	return res.ContainerId
}

// TestNoMatchNamesTheDimension says by what each Container failed.
func TestNoMatchNamesTheDimension(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 4; id++ {
		w.addOffer(id, 1, 10)
	}
	w.providers.silent[2] = true
	msg := orderFunded(w, tenant(1), 50_000)
	for want, change := range map[string]func(*types.MsgCreateLease){
		"class cpu: 4 region":               func(m *types.MsgCreateLease) { m.Requirement.Region = "us" },
		"class cpu: 4 count":                func(m *types.MsgCreateLease) { m.Requirement.Count = 2 },
		"class cpu: 4 vram_mib":             func(m *types.MsgCreateLease) { m.Requirement.VramMib = 16_001 },
		"class cpu: 4 cpu_milli":            func(m *types.MsgCreateLease) { m.Requirement.CpuMilli = 4_001 },
		"class cpu: 4 memory_mib":           func(m *types.MsgCreateLease) { m.Requirement.MemoryMib = 8_193 },
		"class cpu: 4 disk_mib":             func(m *types.MsgCreateLease) { m.Requirement.DiskMib = 10_001 },
		"class cpu: 1 price above max_rate": func(m *types.MsgCreateLease) { m.MaxRate = math.NewInt(9) },
		"class tpu: no offers":              func(m *types.MsgCreateLease) { m.Requirement.Class = "tpu" },
		"4 duration outside its terms":      func(m *types.MsgCreateLease) { m.Duration = time.Second },
	} {
		asked := *msg
		asked.Requirement = &types.Requirement{Class: "cpu"}
		change(&asked)
		err := w.create(&asked)
		require.ErrorIs(t, err, types.ErrNoMatch)
		require.ErrorContains(t, err, want)
	}
	err := w.create(order(tenant(1), 0, 9, 2))
	require.ErrorContains(t, err, "container 9: no offer, container 2: not free")
	all := order(tenant(1), 50_000)
	all.Requirement = &types.Requirement{Class: "cpu", Count: 1, VramMib: 16_000, Region: "eu", CpuMilli: 4_000, MemoryMib: 8_192, DiskMib: 10_000}
	require.Equal(t, uint64(1), leased(w, all), "what is just enough is enough")
}

// TestScanIsBounded: entries that do not fit cost a transaction no more than max_scan look-ups.
func TestScanIsBounded(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxScan = 3
	require.NoError(t, w.k.params.Set(w.ctx, params))
	for id := uint64(1); id <= 4; id++ {
		w.addOffer(id, 1, int64(id))
		w.providers.silent[id] = id < 4
	}
	msg := orderFunded(w, tenant(1), 50_000)
	msg.Requirement = &types.Requirement{Class: "cpu"}
	err := w.create(msg)
	require.ErrorContains(t, err, "3 not free, more not looked at")
	w.providers.silent[3] = false
	require.Equal(t, uint64(3), leased(w, msg))
}
