// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/leases/types"
)

// busyWorld has something of everything that genesis holds.
func busyWorld(t *testing.T) *world {
	w := newWorld(t)
	for id := uint64(1); id <= 5; id++ {
		w.addOffer(id, 1, int64(10*id))
	}
	closed := offer(5, 7)
	closed.Allowed = []string{tenant(2).String()}
	require.NoError(t, w.k.SetOffers(w.ctx, operator(1), []types.Offer{closed}))
	first := w.open(orderFunded(w, tenant(1), 50_000, 1))
	w.start(first)
	w.pass(1_234_567_891)
	timed := order(tenant(1), 0, 2)
	timed.Duration = 10 * time.Minute
	w.open(timed)
	w.start(w.open(orderFunded(w, tenant(2), 90_000, 3)))
	w.pass(7_000_000_001)
	_, err := w.k.Settle(w.ctx, first)
	require.NoError(t, err)
	done := w.open(orderFunded(w, tenant(3), 90_000, 4))
	_, err = w.k.CloseLease(w.ctx, tenant(3), done, 0, nil)
	require.NoError(t, err)
	w.pass(1) // the receipt gets its place in the log
	w.vault.epoch++
	w.pass(1) // and the epoch its root
	require.NoError(t, w.k.nonces.Set(w.ctx, collections.Join3(w.ctx.BlockTime().Add(time.Minute).UnixNano(), tenant(8), uint64(77))))
	return w
}

// TestGenesisRoundTrip: Export → Init → Export is byte-equal, and queues and price index are as they were.
func TestGenesisRoundTrip(t *testing.T) {
	w := busyWorld(t)
	w.check()
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	require.Len(t, exported.Leases, 3)
	require.Len(t, exported.Nonces, 1)
	require.Len(t, exported.ReceiptRoots, 1)
	require.Len(t, exported.KeptReceipts, 1)

	fresh := newWorld(t)
	fresh.ctx = fresh.ctx.WithBlockTime(w.ctx.BlockTime())
	fresh.copyFrom(w)
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	fresh.check()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(exported), fresh.cdc.MustMarshalJSON(again))

	// The two go on alike: what is due is due in both.
	for _, world := range []*world{w, fresh} {
		world.pass(100 * time.Hour)
		world.check()
	}
	after, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.Empty(t, after.Leases)
	afterFresh, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(after), fresh.cdc.MustMarshalJSON(afterFresh))
}

// copyFrom takes over what the two fakes hold.
func (w *world) copyFrom(other *world) {
	w.vault.epoch = other.vault.epoch
	w.providers.containers, w.providers.operators = other.providers.containers, other.providers.operators
	for id := range other.providers.containers {
		status, err := other.providers.Status(other.ctx, id)
		require.NoError(w.tb, err)
		require.NoError(w.tb, w.providers.statuses.Set(w.ctx, id, status))
	}
	require.NoError(w.tb, other.vault.rows.Walk(other.ctx, nil, func(row string, amount math.Int) (bool, error) {
		return false, w.vault.rows.Set(w.ctx, row, amount)
	}))
}

// TestGenesisIsChecked: a state that contradicts itself is refused.
func TestGenesisIsChecked(t *testing.T) {
	w := busyWorld(t)
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	for name, change := range map[string]func(*types.GenesisState){
		"params":            func(g *types.GenesisState) { g.Params.MaxScan = 0 },
		"offers order":      func(g *types.GenesisState) { g.Offers[0], g.Offers[1] = g.Offers[1], g.Offers[0] },
		"offer class":       func(g *types.GenesisState) { g.Offers[0].Class = "" },
		"leases order":      func(g *types.GenesisState) { g.Leases[0], g.Leases[1] = g.Leases[1], g.Leases[0] },
		"leased twice":      func(g *types.GenesisState) { g.Leases[0].ContainerId = g.Leases[1].ContainerId },
		"lease state":       func(g *types.GenesisState) { g.Leases[0].State = 0 },
		"lease start":       func(g *types.GenesisState) { g.Leases[0].StartedAt = nil },
		"lease rate":        func(g *types.GenesisState) { g.Leases[0].Rate = g.Leases[0].Rate.AddRaw(1) },
		"remainder":         func(g *types.GenesisState) { g.Leases[0].Remainder = math.NewIntWithDecimal(1, 15) },
		"paid too much":     func(g *types.GenesisState) { g.Leases[0].Billed = types.MaxAmount },
		"accrued":           func(g *types.GenesisState) { g.Accounts[0].Accrued = g.Accounts[0].Accrued.AddRaw(1) },
		"reserved":          func(g *types.GenesisState) { g.Accounts[0].Reserved = math.ZeroInt() },
		"counts":            func(g *types.GenesisState) { g.Accounts[0].OpenLeases++ },
		"number used again": func(g *types.GenesisState) { g.Accounts[0].NextNumber = 1 },
		"account missing":   func(g *types.GenesisState) { g.Accounts = g.Accounts[1:] },
		"foreign account":   func(g *types.GenesisState) { g.Accounts[0].Denom = "uosmo" },
		"standby missing":   func(g *types.GenesisState) { g.Leases[0].Standbys = []uint64{99} },
		"no standby":        func(g *types.GenesisState) { g.Leases[0].StandbyOf = 99 },
		"not paused":        func(g *types.GenesisState) { g.Leases[0].PausedAt = &g.Leases[0].CreatedAt },
		"lost":              func(g *types.GenesisState) { g.Leases[0].Lost = 1 << 60 },
		"grace":             func(g *types.GenesisState) { g.Leases[0].GraceReserve = math.OneInt() },
		"log peaks":         func(g *types.GenesisState) { g.ReceiptLog.Peaks = nil },
		"log count":         func(g *types.GenesisState) { g.ReceiptLog.Count = 3 },
		"log root":          func(g *types.GenesisState) { g.ReceiptRoots[0].Root = nil },
		"log root early":    func(g *types.GenesisState) { g.ReceiptRoots[0].Epoch = 99 },
		"receipt no place":  func(g *types.GenesisState) { g.KeptReceipts = nil },
		"receipt missing":   func(g *types.GenesisState) { g.Receipts = nil },
		"receipt fee":       func(g *types.GenesisState) { g.Receipts[0].Fee = types.MaxAmount },
		"receipt key":       func(g *types.GenesisState) { g.Receipts[0].WorkerPubkey = nil },
		"receipt statement": func(g *types.GenesisState) { g.Receipts[0].Statement = &types.WorkerStatement{} },
		"lease fee":         func(g *types.GenesisState) { g.Leases[0].Fee = g.Leases[0].Billed.AddRaw(1) },
		"receipt tenant":    func(g *types.GenesisState) { g.Receipts[0].Tenant = "x" },
		"nonce":             func(g *types.GenesisState) { g.Nonces[0].Indexer = "x" },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			var changed types.GenesisState
			w.cdc.MustUnmarshalJSON(w.cdc.MustMarshalJSON(exported), &changed)
			change(&changed)
			require.Error(t, changed.Validate())
			require.Error(t, newWorld(t).k.InitGenesis(w.ctx, changed))
		})
	}
}

// TestInvariantsSeeDamage: each of them fails on a state that breaks it.
func TestInvariantsSeeDamage(t *testing.T) {
	for name, damage := range map[string]func(*world) error{
		"A1 accrual": func(w *world) error {
			return w.changeAccount(func(a *types.Account) { a.Accrued = a.Accrued.AddRaw(1) })
		},
		"A2 balance": func(w *world) error {
			return w.vault.rows.Set(w.ctx, "prepaid/"+tenant(1).String()+"/uath", math.OneInt())
		},
		"A3 not queued":  func(w *world) error { return w.changeAccount(func(a *types.Account) { a.QueuedAt = 0 }) },
		"A3 queue entry": func(w *world) error { return w.k.exhaustion.Clear(w.ctx, nil) },
		"L1 container":   func(w *world) error { return w.providers.Release(w.ctx, 1, tenant(1).String()+"/1", false) },
		"L2 expiry":      func(w *world) error { return w.k.expiry.Clear(w.ctx, nil) },
		"L2 stray":       func(w *world) error { return w.k.expiry.Set(w.ctx, collections.Join3(int64(5), tenant(1), uint64(1))) },
		"L3 no standby":  func(w *world) error { return w.changeLease(func(l *types.Lease) { l.Standbys = []uint64{99} }) },
		"L3 no lease": func(w *world) error {
			return w.changeLease(func(l *types.Lease) { l.StandbyOf = 99 })
		},
		"R1 no place":   func(w *world) error { return w.k.kept.Clear(w.ctx, nil) },
		"R1 no receipt": func(w *world) error { return w.k.receipts.Clear(w.ctx, nil) },
		"R2 fee": func(w *world) error {
			return w.k.receipts.Walk(w.ctx, nil, func(key leaseKey, receipt types.Receipt) (bool, error) {
				receipt.Fee = receipt.Billed.AddRaw(1)
				return true, w.k.receipts.Set(w.ctx, key, receipt)
			})
		},
		"R1 peaks": func(w *world) error {
			log := w.log()
			log.Count += 2
			return w.k.log.Set(w.ctx, log)
		},
		"O1 missing": func(w *world) error { return w.k.dropPrice(w.ctx, 4) },
		"O1 leased":  func(w *world) error { return w.k.restorePrice(w.ctx, 1) },
	} {
		t.Run("error - "+name, func(t *testing.T) {
			w := busyWorld(t)
			require.NoError(t, damage(w))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}

func (w *world) changeLease(change func(*types.Lease)) error {
	key := collections.Join(tenant(1), uint64(1))
	lease, err := w.k.leases.Get(w.ctx, key)
	if err != nil {
		return err
	}
	change(&lease)
	return w.k.leases.Set(w.ctx, key, lease)
}

func (w *world) changeAccount(change func(*types.Account)) error {
	p, err := w.k.openPurse(w.ctx, tenant(1), "uath")
	if err != nil {
		return err
	}
	change(&p.account)
	return w.k.accounts.Set(w.ctx, collections.Join(tenant(1), "uath"), p.account)
}
