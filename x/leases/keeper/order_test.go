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

// halving watches the price of ATH for scripts that are played with many looks at what pays and with few.
type halving struct{ low math.Int }

// looked has somebody touch what pays where ATH has lost more than half since it was dearest. The queue may be late then, until somebody does
// (README, Price in USD); otherwise nobody is needed.
func (h *halving) looked(w *world, purses func(sdk.Context) ([]*purse, error)) {
	step, err := w.vault.UsdStep(w.ctx, w.ctx.BlockTime())
	require.NoError(w.tb, err)
	if h.low.IsNil() || step.Slope.LT(h.low) {
		h.low = step.Slope
	}
	if step.Slope.LTE(h.low.MulRaw(2)) {
		return
	}
	h.low = step.Slope
	all, err := purses(w.ctx)
	require.NoError(w.tb, err)
	for _, p := range all {
		require.NoError(w.tb, w.k.savePurse(w.ctx, p))
	}
	w.pass(0)
}

// TestAPauseThatIsOverEndsInItsBlock: where blocks were late, a lease is paused and its grace used up in one, after which it is in nobody's way.
func TestAPauseThatIsOverEndsInItsBlock(t *testing.T) {
	w := newWorld(t)
	w.addKeeper(1, 1, 10)
	msg := orderFunded(w, tenant(1), 36_600+60, 1)
	msg.Grace = time.Minute
	id := w.open(msg)
	w.start(id)
	w.pass(3 * time.Hour)
	r := w.receipt(id)
	require.Equal(t, types.CloseReason_CLOSE_REASON_EXHAUSTED, r.Reason)
	require.Equal(t, start.Add(3_660*time.Second+time.Minute), r.EndedAt)
	require.Empty(t, w.status(1).Lease)
	w.check()
}

// TestALongMinimumIsEarnedInLateBlocks: after a halt of the network a lease ends when it would have without, however often what it had earned of its
// reserve has paid for more of it, which one block does not follow to the end.
func TestALongMinimumIsEarnedInLateBlocks(t *testing.T) {
	for _, denom := range []string{athtypes.Denom, types.MicroUSD} {
		for _, every := range []time.Duration{time.Minute, 3 * time.Hour} {
			w := gatewayWorld(t, 100_000_000)
			params := types.DefaultParams()
			params.MinRunway = time.Minute
			require.NoError(t, w.k.params.Set(w.ctx, params))
			o := offer(1, 10)
			o.Denom, o.MinCharge = denom, time.Hour
			require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
			w.credit(1, 36_600)
			msg := onCreditOf(1, tenant(1), 1)
			if denom == athtypes.Denom {
				msg = orderFunded(w, tenant(1), 36_600, 1)
			}
			id := w.open(msg)
			w.start(id)
			for range 3 * time.Hour / every {
				w.pass(every)
			}
			for range 10 {
				w.pass(time.Second)
			}
			require.Equal(t, start.Add(3660*time.Second), w.receipt(id).EndedAt)
			w.check()
		}
	}
}

// TestWhatAPauseLeavesGoesBackAtOnce: the fraction of a unit that a lease has accrued pays for others from its pause on, not from the pause's end.
func TestWhatAPauseLeavesGoesBackAtOnce(t *testing.T) {
	w := newWorld(t)
	w.addContainer(1, 1)
	o := offer(1, 10)
	o.Rate, o.StorageRate = math.NewInt(10_333_333), math.NewInt(1_000_000)
	require.NoError(t, w.k.SetOffers(w.ctx, provider(1), []types.Offer{o}))
	msg := orderFunded(w, tenant(1), 40_000, 1)
	msg.Grace = time.Hour
	id := w.open(msg)
	w.start(id)
	w.pass(100 * time.Minute)
	lease := w.lease(id)
	require.Equal(t, types.LeaseState_LEASE_STATE_PAUSED, lease.State)
	require.True(t, lease.Remainder.IsZero())
	account, err := w.queries.Account(w.ctx, &types.QueryAccountRequest{Tenant: tenant(1).String()})
	require.NoError(t, err)
	require.True(t, account.Account.Accrued.IsZero())
	w.check()
}

// TestAFloatSeesWhatALineSetsFree: ATH falls, so that what the float holds back for a lease is earned before what the line does. Float and line run
// dry in one block, the float first: it takes nothing off the line that what this has set free still pays for.
func TestAFloatSeesWhatALineSetsFree(t *testing.T) {
	script := []deal{
		{kind: 0, gateway: 2, customer: 3, container: 2, uath: 4, wait: 790575838659},
		{kind: 3, gateway: 1, customer: 3, uath: 9, wait: 24037},
		{kind: 4, gateway: 1, customer: 1, amount: 60_000, uath: 2, wait: 252548640717, grace: 62067648533},
		{kind: 5, nth: 3, uath: 6, wait: 4},
		{kind: 4, gateway: 1, customer: 1, amount: 60_000, uath: 9, wait: 30050705295},
		{kind: 2, gateway: 2, customer: 3, container: 3, uath: 6, wait: 2},
	}
	require.Equal(t, perform(t, script, true), perform(t, script, false))
}

// TestWhoIsAdmittedDoesNotDependOnSettlements: what is held back and was earned counts as settled where an order would be refused for it, and
// only there.
func TestWhoIsAdmittedDoesNotDependOnSettlements(t *testing.T) {
	open := func(short int64) (*world, types.LeaseID, func() error) {
		w := newWorld(t)
		for id := uint64(1); id <= 3; id++ {
			w.addOffer(id, id, 10)
		}
		id := w.open(orderFunded(w, tenant(1), 3_600, 1))
		w.start(id)
		w.pass(2 * time.Minute)
		// Two leases for five minutes, and the minimum charge of the second; of the first 1,200 have accrued.
		w.fund(tenant(1), 6_000+600+1_200-3_600-short)
		return w, id, func() error { return w.create(order(tenant(1), 6_000+600+1_200-3_600-short, 2)) }
	}
	w, id, create := open(0)
	require.NoError(t, create())
	require.True(t, w.lease(id).Reserve.IsZero())
	w.check()
	w, id, create = open(1)
	require.ErrorIs(t, create(), types.ErrInsufficientDeposit)
	require.False(t, w.lease(id).Reserve.IsZero())
	w.check()

	// In a batch, also after an order that is refused.
	w, _, _ = open(0)
	big, small := order(tenant(1), 0, 2, 3), order(tenant(1), 0, 2)
	big.Count, big.Deposit, small.Deposit = 2, sdk.Coin{}, sdk.Coin{}
	res, err := w.msgs.CreateLeases(w.ctx, &types.MsgCreateLeases{
		Tenant: tenant(1).String(), Deposit: uath(6_000 + 600 + 1_200 - 3_600), Orders: []types.MsgCreateLease{*big, *small}, Partial: true,
	})
	require.NoError(t, err)
	require.Contains(t, res.Results[0].Error, "short")
	require.Empty(t, res.Results[1].Error)
	w.check()
}

// TestWhoIsAdmittedOnCreditDoesNotDependOnSettlements is the same of a float, which also another customer's lease holds back of, and of a line.
func TestWhoIsAdmittedOnCreditDoesNotDependOnSettlements(t *testing.T) {
	const cover = 36 * 3600
	for _, float := range []int64{2*cover*(10+20) + 2*20*60 + 2*10*120, 100_000_000} {
		for _, who := range []uint64{1, 2} {
			w := gatewayWorld(t, float)
			w.credit(1, 300*(10+20)+20*60+10*120)
			w.credit(2, 300*20+20*60)
			id := w.open(onCreditOf(1, tenant(1), 1))
			w.start(id)
			w.pass(2 * time.Minute)
			require.NoError(t, w.create(onCreditOf(1, tenant(who), 2)))
			w.check()
		}
	}
	w := gatewayWorld(t, 2*cover*(10+20)+2*20*60+2*10*120-1)
	w.credit(1, 1_000_000)
	id := w.open(onCreditOf(1, tenant(1), 1))
	w.start(id)
	w.pass(2 * time.Minute)
	require.ErrorIs(t, w.create(onCreditOf(1, tenant(1), 2)), types.ErrFloatTooSmall)
	require.False(t, w.lease(id).Reserve.IsZero())
}
