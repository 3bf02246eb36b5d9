// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// TestStableGenesis: a state with leases in two denoms goes out and in, and one that contradicts itself does not.
func TestStableGenesis(t *testing.T) {
	w := newWorld(t)
	w.allow(usdc, other)
	w.addOfferIn(1, 1, usdc, 10)
	w.addOfferIn(2, 1, usdc, 10)
	w.addOffer(3, 1, 10)
	w.start(w.open(w.orderIn(tenant(1), usdc, usdc, 10_000, 1)))
	w.open(w.orderIn(tenant(1), usdc, usdc, 10_000, 2))
	w.open(orderFunded(w, tenant(1), 100_000, 3))
	for _, denom := range []string{usdc, athtypes.Denom} {
		w.fundIn(tenant(2), denom, 2_000_000)
		_, err := w.k.Deposit(w.ctx, tenant(2), tenant(1), sdk.NewInt64Coin(denom, 2_000_000))
		require.NoError(t, err)
	}
	w.pass(time.Second)
	w.check()
	exported, err := w.k.ExportGenesis(w.ctx)
	require.NoError(t, err)
	require.Len(t, exported.Accounts, 2)
	require.Len(t, exported.Depositors, 2)

	fresh := newWorld(t)
	fresh.ctx = fresh.ctx.WithBlockTime(w.ctx.BlockTime())
	fresh.copyFrom(w)
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *exported))
	fresh.check()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, w.cdc.MustMarshalJSON(exported), fresh.cdc.MustMarshalJSON(again))

	uath := func(g *types.GenesisState) *types.Account {
		for i := range g.Accounts {
			if g.Accounts[i].Denom == athtypes.Denom {
				return &g.Accounts[i]
			}
		}
		return nil
	}
	for name, damage := range map[string]func(*types.GenesisState){
		"fewer others":    func(g *types.GenesisState) { uath(g).OtherLeases-- },
		"more unstarted":  func(g *types.GenesisState) { uath(g).OtherUnstarted++ },
		"number again":    func(g *types.GenesisState) { uath(g).NextNumber = 3 },
		"others of other": func(g *types.GenesisState) { g.Accounts[0].OtherLeases, g.Accounts[1].OtherLeases = 2, 2 },
		"no uath account": func(g *types.GenesisState) { *uath(g) = types.NewAccount(tenant(7).String(), athtypes.Denom, start) },
		"musd":            func(g *types.GenesisState) { g.Accounts[0].Denom = types.MicroUSD },
		"depositors":      func(g *types.GenesisState) { g.Depositors = g.Depositors[:1] },
		"depositors twice": func(g *types.GenesisState) {
			g.Depositors = append(g.Depositors, g.Depositors[1])
		},
		"params": func(g *types.GenesisState) { g.Params.StableDenoms = []string{athtypes.Denom} },
	} {
		t.Run(name, func(t *testing.T) {
			var bad types.GenesisState
			w.cdc.MustUnmarshalJSON(w.cdc.MustMarshalJSON(exported), &bad)
			damage(&bad)
			require.Error(t, bad.Validate())
		})
	}
}

// TestStableInvariantsSeeDamage: what A1 asks of a tenant's accounts together fails on a state that breaks it.
func TestStableInvariantsSeeDamage(t *testing.T) {
	for name, damage := range map[string]func(*types.Account){
		"fewer leases": func(a *types.Account) { a.OtherLeases = 0 },
		"unstarted":    func(a *types.Account) { a.OtherUnstarted = 0 },
		"next number":  func(a *types.Account) { a.NextNumber = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.allow(usdc)
			w.addOfferIn(1, 1, usdc, 10)
			w.open(w.orderIn(tenant(1), usdc, usdc, 10_000, 1))
			w.check()
			key := collections.Join(tenant(1), athtypes.Denom)
			account, err := w.k.accounts.Get(w.ctx, key)
			require.NoError(t, err)
			damage(&account)
			require.NoError(t, w.k.accounts.Set(w.ctx, key, account))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
			require.NoError(t, w.k.accounts.Remove(w.ctx, key))
			require.ErrorIs(t, w.k.CheckInvariants(w.ctx), types.ErrInvariant)
		})
	}
}
