// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	providertypes "github.com/athnet/ath/x/providers/types"
)

var allReasons = func() (all []CloseReason) {
	for n := range len(CloseReason_name) - 1 {
		all = append(all, CloseReason(n+1))
	}
	return all
}()

// freeOf is an account's free balance in 10^-27 units.
func freeOf(a Account, balance math.Int) math.Int {
	return balance.Sub(a.Reserved).Mul(perUnit).Sub(a.Accrued)
}

// TestRefundIsWhatTheEndSetsFree: of a lease that was settled up to its end, the receipt's refund is by what the close moves the free
// balance, to the unit; and it is the same when the lease was not settled, or is closed later.
func TestRefundIsWhatTheEndSetsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offer, usd := drawOffer(t), drawLine(t)
		offer.StorageRate = drawRate(t)
		order := &MsgCreateLease{Grace: time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "grace"))}
		a := NewAccount("t", "uath", epoch)
		l := NewLease(a, offer, "p", order, epoch, 0, usd)
		a = a.Opened(l)
		now, outage := epoch.Add(drawSpan(t, "first")), time.Duration(0)
		a = a.Touch(now, plenty, usd)
		settled := func(l Lease, s Settlement) Lease {
			a = a.Settled(s)
			return l
		}
		if rapid.Bool().Draw(t, "started") {
			l = settled(l.Start(epoch.Add(drawSpan(t, "from")), now, 0, usd))
			a = a.Started()
			run := drawSpan(t, "run")
			now = now.Add(run)
			if !l.InUSD() {
				outage = time.Duration(rapid.Int64Range(0, int64(run)).Draw(t, "outage"))
			}
			a = a.Touch(now, plenty, usd)
			if rapid.Bool().Draw(t, "paused") {
				before := l
				l = settled(l.Pause(now, now, outage, usd))
				before.Reserve = l.Reserve
				a = a.Changed(before, l)
			}
		}
		end := End{At: now, Reason: rapid.SampledFrom(allReasons).Draw(t, "reason")}
		late := now.Add(drawSpan(t, "late"))
		once, _ := l.Close(end, now, outage, usd)
		l = settled(l.Settle(now, outage, usd))
		before := freeOf(a, plenty)
		receipt, s := l.Close(end, now, outage, usd)
		a = a.Settled(s).Closed(l)
		require.Equal(t, freeOf(a, plenty.Sub(s.Total())).Sub(before).Quo(perUnit).String(), receipt.Refunded.String())
		require.Equal(t, once.Refunded.String(), receipt.Refunded.String(), "settled or not")
		behind, _ := l.Close(end, late, outage, usd)
		require.Equal(t, receipt.Refunded.String(), behind.Refunded.String(), "closed now or later")
		require.False(t, receipt.Refunded.IsNegative())
	})
}

func TestObserved(t *testing.T) {
	at := epoch.Add(time.Hour)
	container := providertypes.Container{Id: providertypes.ShardSize + 9, WorkerPubkey: make([]byte, 32)}
	found := providertypes.ShardHealth{Shard: 1, ConfirmedUntil: at, Healthy: providertypes.Bitmap(nil).With(9)}
	for _, c := range []struct {
		name   string
		status providertypes.ContainerStatus
		shard  providertypes.ShardHealth
		want   Health
		at     *time.Time
	}{
		{"healthy", providertypes.ContainerStatus{}, found, Health_HEALTH_HEALTHY, &at},
		{"faulty, whatever the shard says", providertypes.ContainerStatus{FaultAt: &epoch}, found, Health_HEALTH_FAULTY, &epoch},
		{"not checked yet", providertypes.ContainerStatus{}, providertypes.ShardHealth{ConfirmedUntil: at, Healthy: []byte{1}}, Health_HEALTH_UNKNOWN, nil},
	} {
		c.status.Id = container.Id
		r := aReceipt().Observed(container, c.status, c.shard)
		require.Equal(t, c.want, r.Health, c.name)
		require.Equal(t, c.at, r.HealthAt, c.name)
		require.Equal(t, container.WorkerPubkey, r.WorkerPubkey)
	}
}

func TestReceiptValidate(t *testing.T) {
	require.NoError(t, aReceipt().Validate())
	for want, change := range map[string]func(*Receipt){
		"refunded":            func(r *Receipt) { r.Refunded = math.NewInt(-1) },
		"refunded: nothing":   func(r *Receipt) { r.Refunded = math.Int{} },
		"fee":                 func(r *Receipt) { r.Fee = r.Billed.AddRaw(1) },
		"health: HEALTH_UNSP": func(r *Receipt) { r.Health = 0 },
		"health: 9":           func(r *Receipt) { r.Health = 9 },
		"health_at":           func(r *Receipt) { r.HealthAt = nil },
		"health_at: 0001":     func(r *Receipt) { r.HealthAt = &time.Time{} },
		"worker_pubkey":       func(r *Receipt) { r.WorkerPubkey = nil },
		"signature":           func(r *Receipt) { s := *r.Statement; s.Signature = nil; r.Statement = &s },
	} {
		r := aReceipt()
		change(&r)
		require.ErrorContains(t, r.Validate(), want)
	}
}
