// SPDX-License-Identifier: Apache-2.0

package voucher

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/athnet/ath/offchain/store"
	"github.com/athnet/ath/x/leases/types"
)

const chainID = "ath-test"

func channel(number, limit uint64) types.Channel {
	return types.Channel{
		Tenant: "ath1tenant", Number: number, ContainerId: 1, Provider: "ath1provider", VoucherKey: pub, Cap: limit,
		ExpiresAt: start.Add(time.Hour), EndsAt: start.Add(25 * time.Hour),
	}
}

// TestSession: a tenant pays step by step, its worker serves what is paid for, and one message collects it.
func TestSession(t *testing.T) {
	c := channel(1, 100)
	payer, err := NewPayer(store.NewMem(), chainID, c, key)
	require.NoError(t, err)
	till := NewTill(store.NewMem(), chainID)
	_, ok, err := till.Best(c.Tenant, c.Number)
	require.NoError(t, err)
	require.False(t, ok)
	for step := uint64(1); step <= 10; step++ {
		v, err := payer.Pay(10)
		require.NoError(t, err)
		require.NoError(t, till.Accept(c, v, 10*step, start))
		require.NoError(t, till.Accept(c, v, 10*step, start), "the same again, after a lost answer")
	}
	_, err = payer.Pay(1)
	require.ErrorIs(t, err, ErrCap)
	_, err = payer.Pay(0)
	require.ErrorIs(t, err, ErrCap)
	batches, err := till.Batches("ath1worker", 1_000)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	require.Equal(t, "ath1worker", batches[0].Signer)
	require.EqualValues(t, 100, batches[0].Vouchers[0].Amount)
	require.NoError(t, till.Redeemed(batches[0]))
	batches, err = till.Batches("ath1worker", 1_000)
	require.NoError(t, err)
	require.Empty(t, batches)
	_, err = till.Batches("ath1worker", 0)
	require.ErrorContains(t, err, "size")
}

// TestTillRefuses: nothing is served for a voucher that the chain would not pay.
func TestTillRefuses(t *testing.T) {
	c := channel(1, 100)
	payer, err := NewPayer(store.NewMem(), chainID, c, key)
	require.NoError(t, err)
	good, err := payer.Pay(50)
	require.NoError(t, err)
	signed := func(amount uint64, chain string, key ed25519.PrivateKey) types.Voucher {
		v := types.Voucher{Tenant: c.Tenant, Number: c.Number, Amount: amount}
		v.Signature = ed25519.Sign(key, v.SignBytes(chain))
		return v
	}
	closing := c
	closing.Closing = true
	till := NewTill(store.NewMem(), chainID)
	for name, try := range map[string]struct {
		channel types.Channel
		voucher types.Voucher
		owed    uint64
		now     time.Time
		want    error
	}{
		"too little":      {c, good, 51, start, ErrUnpaid},
		"above the cap":   {c, signed(101, chainID, key), 50, start, ErrCap},
		"another chain":   {c, signed(50, "ath-1", key), 50, start, types.ErrVoucherSignature},
		"another key":     {c, signed(50, chainID, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{4}, 32))), 50, start, types.ErrVoucherSignature},
		"another channel": {channel(2, 100), good, 50, start, ErrChannel},
		"closing":         {closing, good, 50, start, ErrEnding},
		"expired":         {c, good, 50, c.ExpiresAt, ErrEnding},
	} {
		require.ErrorIs(t, till.Accept(try.channel, try.voucher, try.owed, try.now), try.want, name)
	}
	_, ok, err := till.Best(c.Tenant, c.Number)
	require.NoError(t, err)
	require.False(t, ok)
	_, err = NewPayer(store.NewMem(), chainID, c, ed25519.NewKeyFromSeed(make([]byte, 32)))
	require.ErrorIs(t, err, ErrKey)
}

// TestPayerResumes: one that lost its store goes on from what the other side shows, and from what the chain has paid; a forged voucher
// moves nothing.
func TestPayerResumes(t *testing.T) {
	c := channel(1, 100)
	payer, err := NewPayer(store.NewMem(), chainID, c, key)
	require.NoError(t, err)
	shown, err := payer.Pay(30)
	require.NoError(t, err)
	c.Redeemed = 20
	lost, err := NewPayer(store.NewMem(), chainID, c, key)
	require.NoError(t, err)
	forged := shown
	forged.Amount = 90
	require.ErrorIs(t, lost.Resume(forged), types.ErrVoucherSignature)
	v, err := lost.Pay(5)
	require.NoError(t, err)
	require.EqualValues(t, 25, v.Amount)
	require.NoError(t, lost.Resume(shown))
	require.NoError(t, lost.Resume(v), "an older one takes nothing back")
	v, err = lost.Pay(5)
	require.NoError(t, err)
	require.EqualValues(t, 35, v.Amount)
}

// TestTillForgets: channels that have ended leave, and what was not collected is said.
func TestTillForgets(t *testing.T) {
	till := NewTill(store.NewMem(), chainID)
	for number := uint64(1); number <= 5; number++ {
		c := channel(number, 100)
		c.EndsAt = c.EndsAt.Add(-time.Duration(number) * time.Minute)
		payer, err := NewPayer(store.NewMem(), chainID, c, key)
		require.NoError(t, err)
		v, err := payer.Pay(10 * number)
		require.NoError(t, err)
		require.NoError(t, till.Accept(c, v, 1, start))
	}
	batches, err := till.Batches("ath1worker", 2)
	require.NoError(t, err)
	require.Len(t, batches, 3)
	require.EqualValues(t, 5, batches[0].Vouchers[0].Number, "the one that ends first")
	require.NoError(t, till.Redeemed(batches[0])) // 5 and 4
	lost, err := till.Forget(start.Add(25*time.Hour - 3*time.Minute))
	require.NoError(t, err)
	require.EqualValues(t, 30, lost)
	batches, err = till.Batches("ath1worker", 10)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	require.Len(t, batches[0].Vouchers, 2)
}

// TestSessionsSurviveCrashes plays sessions over stores that die before or after any write. What was accepted is collected, to the uath; no
// tenant signs for more than the steps that it paid and those whose answer it never got.
func TestSessionsSurviveCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { crash(t, store.NewMem(), store.NewMem()) })
}

func crash(t *rapid.T, tenants, workers store.Store) {
	mine, its := store.NewFaulty(tenants), store.NewFaulty(workers)
	till := NewTill(its, chainID)
	chain := map[uint64]*types.Channel{}
	payers := map[uint64]*Payer{}
	accepted, tried := map[uint64]uint64{}, map[uint64]uint64{}
	for number := uint64(1); number <= 3; number++ {
		c := channel(number, 1_000)
		chain[number] = &c
		payer, err := NewPayer(mine, chainID, c, key)
		require.NoError(t, err)
		payers[number] = payer
	}
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		arm := func(f *store.Faulty) {
			switch rapid.IntRange(0, 5).Draw(t, "crash") {
			case 0:
				f.CrashBefore(1)
			case 1:
				f.CrashAfter(1)
			}
		}
		if rapid.IntRange(0, 4).Draw(t, "redeem") == 0 {
			batches, err := till.Batches("ath1worker", 2)
			require.NoError(t, err)
			for _, msg := range batches {
				for _, v := range msg.Vouchers {
					c := chain[v.Number]
					require.NoError(t, v.Verify(chainID, c.VoucherKey))
					*c, _ = c.Redeem(v.Amount)
				}
				arm(its)
				_ = till.Redeemed(msg)
				its.Revive()
			}
			continue
		}
		number, step := rapid.Uint64Range(1, 3).Draw(t, "channel"), rapid.Uint64Range(1, 20).Draw(t, "step")
		arm(mine)
		tried[number] += step
		v, err := payers[number].Pay(step)
		mine.Revive()
		if err != nil {
			continue
		}
		arm(its)
		if till.Accept(*chain[number], v, accepted[number]+step, start) == nil {
			require.Greater(t, v.Amount, accepted[number])
			accepted[number] = v.Amount
		}
		its.Revive()
		require.LessOrEqual(t, v.Amount, tried[number])
	}
	batches, err := till.Batches("ath1worker", 2)
	require.NoError(t, err)
	for _, msg := range batches {
		for _, v := range msg.Vouchers {
			c := chain[v.Number]
			*c, _ = c.Redeem(v.Amount)
		}
	}
	for number, amount := range accepted {
		require.GreaterOrEqual(t, chain[number].Redeemed, amount, "what was served is paid")
		require.LessOrEqual(t, chain[number].Redeemed, tried[number])
	}
}
