// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/leases/types"
)

// outage is a world in which tenant 1 has paid 3,000 uath that its provider has taken out, and a fault has been found; its ticket holds what
// it asks for, of which the fund had some. A friend had put some of the tenant's money there where friends is positive.
func outage(t *testing.T, fund, friends int64) (*world, types.LeaseID) {
	w := newWorld(t)
	id := running(w)
	if friends > 0 {
		w.leastForeign(1)
		w.fund(friend(1), friends)
		w.give(friend(1), tenant(1), friends)
	}
	w.providers.collateral = 10_000
	w.pass(5 * time.Minute)
	w.settled(id)
	require.NoError(t, w.vault.move(w.ctx, "earned/"+provider(1).String(), "bank/"+provider(1).String(), math.NewInt(3_000)))
	require.NoError(t, w.vault.rows.Set(w.ctx, "stake", math.NewInt(10_000)))
	require.NoError(t, w.vault.rows.Set(w.ctx, "fund/uath", math.NewInt(fund)))
	w.fault(1, time.Second)
	return w, id
}

// TestProceedsReachTheTenant: what the fund did not advance comes when the ticket does, once, whatever the tenant has done meanwhile.
func TestProceedsReachTheTenant(t *testing.T) {
	for name, meanwhile := range map[string]func(*testing.T, *world, types.LeaseID){
		"the lease goes on": func(*testing.T, *world, types.LeaseID) {},
		"the lease is closed": func(t *testing.T, w *world, id types.LeaseID) {
			_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
			require.NoError(t, err)
		},
		"everything is withdrawn": func(t *testing.T, w *world, id types.LeaseID) {
			_, err := w.k.CloseLease(w.ctx, tenant(1), id, types.CloseReason_CLOSE_REASON_TENANT, nil)
			require.NoError(t, err)
			_, err = w.k.Withdraw(w.ctx, tenant(1), uath(0))
			require.NoError(t, err)
			require.Zero(t, w.balance(tenant(1)))
		},
		"the chain begins anew": func(t *testing.T, w *world, _ types.LeaseID) {
			g, err := w.k.ExportGenesis(w.ctx)
			require.NoError(t, err)
			require.NoError(t, g.Validate())
			require.NoError(t, w.k.InitGenesis(w.ctx, *g))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, id := outage(t, 500, 0)
			require.Equal(t, int64(97_500), w.balance(tenant(1)), "what the fund has")
			meanwhile(t, w, id)
			total, before := w.vault.total(w.ctx), w.balance(tenant(1))
			w.endTicket(1, false)
			w.pass(time.Second)
			require.Equal(t, before+2_500, w.balance(tenant(1)))
			require.Equal(t, int64(500), w.vault.get(w.ctx, "fund/uath").Int64(), "its advance comes back first")
			w.pass(time.Second)
			require.Equal(t, before+2_500, w.balance(tenant(1)))
			require.Equal(t, total, w.vault.total(w.ctx))
			_, err := w.k.Withdraw(w.ctx, tenant(1), uath(2_500))
			require.NoError(t, err)
			w.check()
		})
	}
}

// TestADismissedTicketOwesNothing: the fund bears its advance.
func TestADismissedTicketOwesNothing(t *testing.T) {
	w, _ := outage(t, 500, 0)
	w.endTicket(1, true)
	w.pass(time.Second)
	require.Equal(t, int64(97_500), w.balance(tenant(1)))
	require.Zero(t, w.vault.get(w.ctx, "fund/uath").Int64())
}

// TestProceedsAreACreditToTheDepositors: they go where a credit at once would have gone.
func TestProceedsAreACreditToTheDepositors(t *testing.T) {
	w, _ := outage(t, 0, 10_000)
	own := func() (tenants, friends int64) {
		res, err := w.queries.Depositors(w.ctx, &types.QueryDepositorsRequest{Tenant: tenant(1).String()})
		require.NoError(t, err)
		return res.Own.Amount.Int64(), res.Places[0].Place.Left.Int64()
	}
	tenants, friends := own()
	require.Equal(t, []int64{100_000, 7_000}, []int64{tenants, friends}, "the last deposit was spent first")
	w.endTicket(1, false)
	w.pass(time.Second)
	tenants, friends = own()
	require.Equal(t, []int64{100_000, 10_000}, []int64{tenants, friends})
	w.check()
}

// TestProceedsFindWhoseMoneyWasUsedUp: his place has waited for them.
func TestProceedsFindWhoseMoneyWasUsedUp(t *testing.T) {
	w, id := outage(t, 0, 3_000)
	require.Equal(t, []int64{100_000}, w.whose(tenant(1)))
	w.endTicket(1, false)
	w.pass(time.Second)
	require.Equal(t, []int64{100_000, 3_000}, w.whose(tenant(1)))
	w.settled(id)
	require.EqualValues(t, 3_000, w.takeBack(friend(1), tenant(1)))
	w.check()
}

// TestProceedsAreBounded: a block pays as many as the parameter says, the rest follows; an account that can't be counted holds up nobody and
// has its coins.
func TestProceedsAreBounded(t *testing.T) {
	w := newWorld(t)
	params := types.DefaultParams()
	params.MaxCreditsPerBlock = 2
	require.NoError(t, w.k.params.Set(w.ctx, params))
	for n := uint64(1); n <= 5; n++ {
		require.NoError(t, w.vault.rows.Set(w.ctx, prepaid(athtypes.ProceedsRow(tenant(n).String(), n)), math.NewInt(100)))
	}
	paid := func() (n int) {
		for i := uint64(1); i <= 5; i++ {
			if w.balance(tenant(i)) == 100 {
				n++
			}
		}
		return n
	}
	for _, want := range []int{2, 4, 5, 5} {
		w.pass(time.Second)
		require.Equal(t, want, paid())
	}
	// The account is in a state that can't be read.
	require.NoError(t, w.k.accounts.Set(w.ctx, collections.Join(tenant(1), athtypes.Denom), types.Account{Tenant: tenant(1).String(), Denom: athtypes.Denom, Depositors: 1}))
	require.NoError(t, w.vault.rows.Set(w.ctx, prepaid(athtypes.ProceedsRow(tenant(1).String(), 9)), math.NewInt(100)))
	require.NoError(t, w.k.EndBlock(w.ctx))
	require.Equal(t, int64(200), w.balance(tenant(1)))
	rows, err := w.vault.Proceeds(w.ctx, 10)
	require.NoError(t, err)
	require.Empty(t, rows)
}
