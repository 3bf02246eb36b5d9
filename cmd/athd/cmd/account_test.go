// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leases "github.com/athnet/ath/x/leases/types"
)

func TestGrantMessage(t *testing.T) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	limit := sdk.NewInt64Coin("uath", 100_000_000)
	msg, err := grantOptions{expires: time.Hour, refill: "10ath", below: "5ath", atMost: "50ath", period: 720 * time.Hour}.message("boss", "me", limit, now)
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Hour), *msg.ExpiresAt)
	require.Equal(t, "10000000 5000000 50000000", msg.Refill.Amount.String()+" "+msg.Refill.Keep.String()+" "+msg.Refill.Cap.String())
	msg, err = grantOptions{refill: "10ath", period: time.Hour}.message("boss", "me", limit, now)
	require.NoError(t, err)
	require.Nil(t, msg.ExpiresAt)
	require.Equal(t, "10000000 100000000", msg.Refill.Keep.String()+" "+msg.Refill.Cap.String())
	for says, o := range map[string]grantOptions{
		"--refill: ":       {refill: "10"},
		"--refill-below: ": {refill: "10ath", below: "x"},
		"--refill-cap: ":   {refill: "10ath", atMost: "x"},
		"want --refill":    {below: "1ath"},
		"refill.period":    {refill: "10ath", period: time.Second},
		"refill.cap":       {refill: "10ath", atMost: "9ath", period: time.Hour},
		"expires_at":       {expires: -time.Hour},
	} {
		_, err := o.message("boss", "me", limit, now)
		require.ErrorContains(t, err, says)
	}
}

func TestAccountWords(t *testing.T) {
	source, err := sourceOf("parent")
	require.NoError(t, err)
	require.Equal(t, leases.DepositSource_DEPOSIT_SOURCE_PARENT, source)
	_, err = sourceOf("unspecified")
	require.ErrorContains(t, err, "want bank, grant or parent")
	coin, err := amountOf("AMOUNT", nil, 0)
	require.NoError(t, err)
	require.True(t, coin.IsZero())
	_, err = amountOf("AMOUNT", []string{"5"}, 0)
	require.ErrorContains(t, err, "AMOUNT: ")
}
