// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// voucherOf is one of the tenant's only channel.
func (w *world) voucherOf(key ed25519.PrivateKey, amount uint64) leasestypes.Voucher {
	v := leasestypes.Voucher{Tenant: w.tenant.String(), Number: 1, Amount: amount}
	v.Signature = ed25519.Sign(key, v.SignBytes(shadow.ChainID))
	return v
}

// TestOnePartyLosesThroughChannels: channels need no time and no free Container, and still farm no more than leases: somebody who is tenant,
// provider and the only staker pays itself through a channel, takes all that it can get, and at least 5% of every service fee is gone.
func TestOnePartyLosesThroughChannels(t *testing.T) {
	c := dealerChain(t)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	rapid.Check(t, func(rt *rapid.T) {
		w := branch(rt, c)
		w.market()
		p := allowedParams(rt, "")
		w.govern(p)
		w.block(time.Second)
		before := w.wealth()
		limit := gen.ATH(10_000)
		require.NoError(rt, w.send(&leasestypes.MsgOpenChannels{
			Tenant: w.tenant.String(), Deposit: sdk.NewCoin(athtypes.Denom, limit),
			Channels: []leasestypes.ChannelOrder{{
				ContainerId: 1, Cap: limit.Uint64(), ExpiresAt: w.ctx.BlockTime().Add(time.Hour), VoucherKey: key.Public().(ed25519.PublicKey),
			}},
		}))
		amount, redemptions := uint64(0), int64(0)
		for range rapid.IntRange(1, 6).Draw(rt, "redemptions") {
			amount += rapid.Uint64Range(1, limit.Uint64()/6).Draw(rt, "amount")
			redemptions++
			require.NoError(rt, w.send(&leasestypes.MsgRedeem{
				Signer:   w.tenant.String(),
				Vouchers: []leasestypes.Voucher{w.voucherOf(key, amount), w.voucherOf(key, amount), w.voucherOf(key, 1)},
			}))
			w.block(time.Duration(rapid.IntRange(1, 100).Draw(rt, "seconds")) * time.Second)
		}
		require.NoError(rt, w.send(&leasestypes.MsgCloseChannels{Signer: w.owner.String(), Tenant: w.tenant.String(), Numbers: []uint64{1}}))
		require.NoError(rt, w.send(&leasestypes.MsgRedeem{Signer: w.tenant.String(), Vouchers: []leasestypes.Voucher{w.voucherOf(key, limit.Uint64())}}))
		w.cashIn()
		lost := before.Sub(w.wealth())
		fee := p.ServiceFeeRoundedDown(leasestypes.Uath(amount)).SubRaw(redemptions + 1) // each redemption rounds for itself
		least := athtypes.PartRoundedDown(math.MaxInt(fee, math.ZeroInt()), athtypes.MinSelfDealingLossPPM)
		require.True(rt, lost.GTE(least), "paid %d, fee %s, lost %s, at least %s: %+v", amount, fee, lost, least, p)
	})
}
