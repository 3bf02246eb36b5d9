// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// gang orders n Containers of a class at any price.
func gang(w *world, who sdk.AccAddress, deposit int64, n uint32, candidates ...uint64) *types.MsgCreateLease {
	msg := orderFunded(w, who, deposit, candidates...)
	msg.Count, msg.Requirement = n, &types.Requirement{Class: "cpu"}
	return msg
}

func TestGangIsOpenedAsAWhole(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 5; id++ {
		w.addOffer(id, id, int64(10*id))
	}
	res, err := w.msgs.CreateLease(w.ctx, gang(w, tenant(1), 100_000, 3, 5))
	require.NoError(t, err)
	require.Len(t, res.Gang, 3)
	require.Equal(t, res.LeaseId, res.Gang[0].LeaseId)
	var taken []uint64
	for i, opened := range res.Gang {
		taken = append(taken, opened.ContainerId)
		lease, err := w.k.Lease(w.ctx, types.LeaseID{Tenant: tenant(1), Number: uint64(i + 1)})
		require.NoError(t, err)
		require.Equal(t, uint64(1), lease.Gang)
		require.Equal(t, opened.Rate, lease.Rate)
	}
	require.Equal(t, []uint64{5, 1, 2}, taken, "the candidate first, then the cheapest")
	w.check()
	id := w.open(orderFunded(w, tenant(2), 100_000, 3))
	lease, err := w.k.Lease(w.ctx, id)
	require.NoError(t, err)
	require.Zero(t, lease.Gang)
	w.check()
}

func TestGangThatDoesNotFitChangesNothing(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addOffer(id, id, 10)
	}
	msg := gang(w, tenant(1), 100_000, 4)
	err := w.create(msg)
	require.ErrorIs(t, err, types.ErrNoMatch)
	require.ErrorContains(t, err, "3 of 4 fit")
	require.Zero(t, w.balance(tenant(1)))
	msg.Count = 3
	msg.Deposit.Amount = math.NewInt(3*10*300 - 1)
	err = w.create(msg)
	require.ErrorIs(t, err, types.ErrInsufficientDeposit, "all of the gang must be carried")
	require.ErrorContains(t, err, "3 containers at")
	msg.Deposit.Amount = math.NewInt(3*10*300 + 3*600)
	require.NoError(t, w.create(msg))
	w.check()
}

// TestGangSniper: who takes candidates of a gang away in the same block makes it fall back to others, up to half of its candidates
// without a requirement; below that the gang is not opened at all, and nobody has paid.
func TestGangSniper(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 8; id++ {
		w.addOffer(id, id, 10)
	}
	named := gang(w, tenant(1), 1_000_000, 4, 1, 2, 3, 4, 5, 6, 7, 8)
	named.Requirement = nil
	for id := uint64(1); id <= 4; id++ {
		w.open(orderFunded(w, tenant(2), 100_000, id))
	}
	res, err := w.msgs.CreateLease(w.ctx, named)
	require.NoError(t, err)
	require.Equal(t, uint64(5), res.Gang[0].ContainerId)
	again := gang(w, tenant(3), 1_000_000, 4, 1, 2, 3, 4, 5, 6, 7, 8)
	again.Requirement = nil
	err = w.create(again)
	require.ErrorContains(t, err, "0 of 4 fit")
	require.Zero(t, w.balance(tenant(3)))
	w.check()
}

// TestGangByQuote: every Container that wins by the quote counts for its Indexer, the others do not, and the quote counts once.
func TestGangByQuote(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addOffer(id, id, 10)
	}
	q := w.quote(tenant(1), types.Requirement{Class: "cpu"}, 1, 10, 1, 2)
	msg := gang(w, tenant(1), 1_000_000, 3, 1, 2)
	msg.Quote = q
	require.NoError(t, w.create(msg))
	for n, indexer := range []string{q.Indexer, q.Indexer, ""} {
		lease, err := w.k.Lease(w.ctx, types.LeaseID{Tenant: tenant(1), Number: uint64(n + 1)})
		require.NoError(t, err)
		require.Equal(t, indexer, lease.Indexer)
	}
	again := gang(w, tenant(1), 1_000_000, 2, 1, 2)
	again.Quote = q
	require.ErrorIs(t, w.create(again), types.ErrQuoteUsed)
	w.check()
}

func TestGangOfTheLargestSize(t *testing.T) {
	w := newWorld(t)
	candidates := make([]uint64, 0, types.MaxGang)
	for id := uint64(1); id <= types.MaxGang; id++ {
		w.addOffer(id, id%50, 10)
		candidates = append(candidates, id)
	}
	half := gang(w, tenant(1), 100_000_000, types.MaxGang, candidates[:types.MaxGang/2]...)
	require.NoError(t, w.create(half), "the other half comes from the index")
	w.check()
	over := gang(w, tenant(2), 1, types.MaxGang+1)
	require.ErrorIs(t, w.create(over), types.ErrInvalidField)
}

func batch(who sdk.AccAddress, deposit int64, partial bool, orders ...*types.MsgCreateLease) *types.MsgCreateLeases {
	msg := &types.MsgCreateLeases{Tenant: who.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, deposit), Partial: partial}
	for _, order := range orders {
		order.Deposit = sdk.Coin{}
		msg.Orders = append(msg.Orders, *order)
	}
	return msg
}

func TestBatch(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 3; id++ {
		w.addOffer(id, id, 10)
	}
	w.fund(tenant(1), 1_000_000)
	orders := []*types.MsgCreateLease{order(tenant(1), 0, 1), order(tenant(1), 0, 1), order(tenant(1), 0, 2)}
	whole := batch(tenant(1), 100_000, false, orders...)
	err := w.try(func(ctx sdk.Context) error { _, err := w.msgs.CreateLeases(ctx, whole); return err })
	require.ErrorIs(t, err, types.ErrNoMatch)
	require.ErrorContains(t, err, "orders[1]")
	require.Zero(t, w.balance(tenant(1)))
	w.check()

	part := batch(tenant(1), 100_000, true, orders...)
	res, err := w.msgs.CreateLeases(w.ctx, part)
	require.NoError(t, err)
	require.Len(t, res.Results, 3)
	require.Equal(t, tenant(1).String()+"/1", res.Results[0].Leases[0].LeaseId)
	require.Empty(t, res.Results[1].Leases)
	require.Contains(t, res.Results[1].Error, "container 1: not free")
	require.Equal(t, tenant(1).String()+"/2", res.Results[2].Leases[0].LeaseId, "an order that failed uses up no number")
	require.Equal(t, int64(100_000), w.balance(tenant(1)))
	w.check()
}

// TestBatchWritesTheAccountOnce is why a lease of a batch costs less than a lease alone.
func TestBatchWritesTheAccountOnce(t *testing.T) {
	w := newWorld(t)
	for id := uint64(1); id <= 11; id++ {
		w.addOffer(id, id, 10)
	}
	w.open(orderFunded(w, tenant(1), 1_000_000, 11))
	var orders []*types.MsgCreateLease
	for id := uint64(1); id <= 10; id++ {
		orders = append(orders, order(tenant(1), 0, id))
	}
	require.Equal(t, 10*2+1+2, w.writes.count(func() {
		_, err := w.msgs.CreateLeases(w.ctx, batch(tenant(1), 0, false, orders...))
		require.NoError(t, err)
	}), "per lease the lease and the price index; the account; its entry in the exhaustion queue moves forward")
}

func TestBatchBounds(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	for name, edit := range map[string]func(*types.MsgCreateLeases){
		"no orders":      func(m *types.MsgCreateLeases) { m.Orders = nil },
		"too many":       func(m *types.MsgCreateLeases) { m.Orders = make([]types.MsgCreateLease, types.MaxOrders+1) },
		"foreign tenant": func(m *types.MsgCreateLeases) { m.Orders[0].Tenant = tenant(2).String() },
		"deposit inside": func(m *types.MsgCreateLeases) { m.Orders[0].Deposit = uath(1) },
		"gangs too large": func(m *types.MsgCreateLeases) {
			m.Orders[0].Count = types.MaxGang
			m.Orders = append(m.Orders, m.Orders[0])
		},
		"foreign denom": func(m *types.MsgCreateLeases) { m.Deposit = sdk.NewInt64Coin("uusdc", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			one := order(tenant(1), 0, 1)
			one.Requirement = &types.Requirement{Class: "cpu"}
			msg := batch(tenant(1), 0, true, one)
			edit(msg)
			_, err := w.msgs.CreateLeases(w.ctx, msg)
			require.Error(t, err)
		})
	}
}

// TestLoserLearnsWhatIsFree: of two tenants who want one Container in a block the second is told what else there is.
func TestLoserLearnsWhatIsFree(t *testing.T) {
	w := newWorld(t)
	w.addOffer(1, 1, 10)
	w.addOffer(2, 2, 20)
	w.open(orderFunded(w, tenant(1), 100_000, 1))
	err := w.create(orderFunded(w, tenant(2), 100_000, 1))
	require.ErrorIs(t, err, types.ErrNoMatch)
	require.ErrorContains(t, err, "container 1: not free")
	require.ErrorContains(t, err, "free now in class cpu: container 2 for 0.072 ATH (72000uath) per hour")
}

// TestMinChargeIsBounded: a tenant need not take an offer that charges an hour for a second.
func TestMinChargeIsBounded(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	dear := offer(1, 10)
	dear.MinCharge = time.Hour
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{dear}))
	msg := orderFunded(w, tenant(1), 1_000_000, 1)
	msg.MaxMinCharge = 5 * time.Minute
	require.ErrorContains(t, w.create(msg), "minimum charge above max_min_charge")
	msg.MaxMinCharge = time.Hour
	require.NoError(t, w.create(msg))
}

// TestDeadOffersAreClearedAway: a hundred Containers that were given up and are the cheapest of their class would keep the chain
// from finding a living one; who is hindered removes them in the same transaction, and who comes back is listed again.
func TestDeadOffersAreClearedAway(t *testing.T) {
	w := newWorld(t)
	dead := make([]uint64, 0, 100)
	for id := uint64(1); id <= 100; id++ {
		w.addOffer(id, 1, 1)
		w.providers.silent[id] = true
		dead = append(dead, id)
	}
	w.addOffer(101, 2, 10)
	msg := orderFunded(w, tenant(1), 1_000_000)
	msg.Requirement = &types.Requirement{Class: "cpu"}
	require.ErrorContains(t, w.create(msg), "100 not free, more not looked at")
	seen, err := w.queries.Match(w.ctx, &types.QueryMatchRequest{Requirement: *msg.Requirement})
	require.NoError(t, err)
	require.Empty(t, seen.Offers)
	require.Equal(t, dead, seen.Stale)

	require.NoError(t, w.try(func(ctx sdk.Context) error {
		res, err := w.msgs.RefreshOffers(ctx, &types.MsgRefreshOffers{Signer: tenant(1).String(), ContainerIds: seen.Stale})
		if err != nil {
			return err
		}
		require.Equal(t, dead, res.Delisted)
		_, err = w.msgs.CreateLease(ctx, msg)
		return err
	}))
	w.check()

	refresh := func(ids ...uint64) *types.MsgRefreshOffersResponse {
		res, err := w.msgs.RefreshOffers(w.ctx, &types.MsgRefreshOffers{Signer: operator(1).String(), ContainerIds: ids})
		require.NoError(t, err)
		w.check()
		return res
	}
	require.Equal(t, &types.MsgRefreshOffersResponse{}, refresh(1, 101, 999), "still silent; leased; unknown")
	require.False(t, w.status(1).Offered, "what can't be leased is no supply")
	w.providers.silent = map[uint64]bool{}
	require.Equal(t, []uint64{1, 2}, refresh(1, 2).Listed)
	require.Equal(t, &types.MsgRefreshOffersResponse{}, refresh(1))

	require.True(t, w.status(1).Offered)

	// A Container that was leased by name while it was not listed counts again when it says so, and is listed again once it is free.
	id := w.open(orderFunded(w, tenant(2), 100_000, 3))
	w.check()
	require.False(t, w.status(3).Offered)
	require.Equal(t, []uint64{3}, refresh(3).Listed)
	require.True(t, w.status(3).Offered)
	require.Equal(t, &types.MsgRefreshOffersResponse{}, refresh(3))
	four := w.open(orderFunded(w, tenant(2), 100_000, 4))
	w.closed(four)
	require.True(t, w.status(4).Offered)
	_, err = w.k.CloseLease(w.ctx, tenant(2), id, 0, nil)
	require.NoError(t, err)
	w.check()
	listed, err := w.k.Offer(w.ctx, 3)
	require.NoError(t, err)
	require.False(t, listed.Delisted)
}

func TestRefreshOffersBounds(t *testing.T) {
	w := newWorld(t)
	for name, ids := range map[string][]uint64{"none": nil, "twice": {1, 1}, "too many": make([]uint64, types.MaxOffers+1)} {
		_, err := w.msgs.RefreshOffers(w.ctx, &types.MsgRefreshOffers{Signer: tenant(1).String(), ContainerIds: ids})
		require.ErrorIs(t, err, types.ErrInvalidField, name)
	}
	o := offer(1, 1)
	o.Delisted = true
	w.addContainer(1, 1)
	_, err := w.msgs.SetOffers(w.ctx, &types.MsgSetOffers{Operator: provider(1).String(), Offers: []types.Offer{o}})
	require.ErrorIs(t, err, types.ErrInvalidOffer, "only the chain says so")
}
