// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// dollars is a tenant of a Container whose price is in dollars, and who pays for it in ATH.
type dollars struct {
	*trader
	id   string
	left math.Int // what it had when it began
	n    int64    // leases
}

func (d *dollars) rich() math.Int {
	return d.amount(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: d.tenant.String(), Denom: athtypes.Denom})
}

// lease opens and starts one.
func (d *dollars) lease() {
	manifest := sha256.Sum256([]byte("manifest"))
	msg := &leasestypes.MsgCreateLease{
		Tenant: d.tenant.String(), Candidates: []uint64{1}, PriceDenom: leasestypes.MicroUSD, MaxRate: leasestypes.MaxRate, ManifestHash: manifest[:],
	}
	res, err := d.MsgServiceRouter().Handler(msg)(d.ctx, msg)
	require.NoError(d.t, err)
	var opened leasestypes.MsgCreateLeaseResponse
	require.NoError(d.t, opened.Unmarshal(res.Data))
	d.id = opened.LeaseId
	d.n++
	d.start(d.id)
}

func (d *dollars) settle() {
	require.NoError(d.t, d.send(&leasestypes.MsgSettle{Signer: d.tenant.String(), LeaseIds: []string{d.id}}))
}

func (d *dollars) leave() {
	require.NoError(d.t, d.send(&leasestypes.MsgCloseLease{Signer: d.tenant.String(), LeaseId: d.id}))
	d.fold()
}

// another is the same tenant in a second story.
func (d *dollars) another() *dollars {
	next, tr := *d, *d.trader
	tr.world = d.copied()
	next.trader = &tr
	return &next
}

// TestComingBackIsNoWayRoundAPrice: a tenant that pays a price in dollars and knows which way ATH is about to go closes and opens anew around the
// hour's step, as often as it likes. For the same time it pays no less than who holds the lease, up to the fractions of a uath that ends drop; and who has
// it settled all the time pays the same to the uath.
func TestComingBackIsNoWayRoundAPrice(t *testing.T) {
	for name, price := range map[string][2]int64{"ATH falls": {1_000_000_000, 333_333_333}, "ATH rises": {333_333_333, 1_000_000_000}} {
		t.Run(name, func(t *testing.T) {
			c := pricedChain(t, price[0], price[1])
			rapid.Check(t, func(rt *rapid.T) {
				w := branch(rt, c)
				w.market()
				begun := &dollars{trader: &trader{world: w, denom: athtypes.Denom}}
				require.NoError(rt, w.send(&leasestypes.MsgSetOffers{Operator: w.owner.String(), Offers: []leasestypes.Offer{{
					ContainerId: 1, Denom: leasestypes.MicroUSD, Rate: math.NewInt(rapid.Int64Range(1_000_000, 20_000_000).Draw(rt, "rate")), MinCharge: time.Minute,
				}}}))
				require.NoError(rt, w.send(&leasestypes.MsgDeposit{Depositor: w.tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, gen.ATH(10))}))
				w.fold()
				begun.left = begun.rich()
				// A minute or two around the step are as likely as all the rest.
				times := []time.Duration{30 * time.Minute, rapid.SampledFrom([]time.Duration{28 * time.Minute, 29 * time.Minute, 30 * time.Minute, 35 * time.Minute}).Draw(rt, "to the step")}
				for range rapid.IntRange(1, 6).Draw(rt, "blocks") {
					times = append(times, time.Duration(rapid.OneOf(
						rapid.Int64Range(1, int64(2*time.Minute)), rapid.Int64Range(1, int64(40*time.Minute)),
					).Draw(rt, "wait")))
				}
				comes, settles := rapid.SliceOfN(rapid.Bool(), len(times), len(times)).Draw(rt, "comes back"), rapid.SliceOfN(rapid.Bool(), len(times), len(times)).Draw(rt, "settles")
				quiet, settled, back := begun.another(), begun.another(), begun.another()
				paid := func(d *dollars, act func(i int)) math.Int {
					d.lease()
					for i, wait := range times {
						d.wait(wait)
						act(i)
					}
					d.leave()
					require.NoError(rt, d.CheckInvariants(d.ctx))
					return d.left.Sub(d.rich())
				}
				holds := paid(quiet, func(int) {})
				require.Equal(rt, holds.String(), paid(settled, func(i int) {
					if settles[i] {
						settled.settle()
					}
				}).String())
				returns := paid(back, func(i int) {
					if settles[i] {
						back.settle()
					}
					if comes[i] {
						back.leave()
						back.lease()
					}
				})
				require.True(rt, returns.AddRaw(back.n).GT(holds), "%d leases for %s, one for %s", back.n, returns, holds)
				require.Equal(rt, quiet.left.Sub(quiet.rich()).String(), quiet.income().String(), "the provider has it")
			})
		})
	}
}
