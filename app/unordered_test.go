// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// TestUnorderedHeartbeats: an operator with many workers sends their heartbeats as unordered transactions, in any order and
// several in one block, while ordered ones of the same key go on. None of them is ever executed twice: not the same bytes
// in the block or in a later one, and not another message with the same timeout.
func TestUnorderedHeartbeats(t *testing.T) {
	m := newMarket(t, shadow.All())
	m.open(4)
	m.silent = true // the test sends the heartbeats
	beat := func(id uint64, timeout time.Time) []byte {
		return m.SignWith(m.hot, gen.Options{Gas: 1_000_000, Unordered: timeout}, &providerstypes.MsgHeartbeat{Operator: m.hot.String(), Ids: []uint64{id}})
	}
	seen := func(id uint64) time.Time {
		at, err := m.App().Providers.LastSeen(m.Context(), id)
		require.NoError(t, err)
		return at
	}
	until := m.Now().Add(5 * time.Minute)
	var txs [][]byte
	for i, id := range m.ids {
		txs = append(txs, beat(id, until.Add(-time.Duration(i)*time.Nanosecond))) // the last in time first
	}
	ordered := m.Sign(m.hot, &providerstypes.MsgHeartbeat{Operator: m.hot.String(), Ids: m.ids[:1]})
	sequence := m.App().Account.GetAccount(m.Context(), m.hot.Address()).GetSequence()
	m.next(txs[2], ordered, txs[0], txs[3], txs[1])
	for _, id := range m.ids {
		require.Equal(t, m.Now(), seen(id))
	}
	require.Equal(t, sequence+1, m.App().Account.GetAccount(m.Context(), m.hot.Address()).GetSequence(), "unordered ones use no sequence")

	before := m.Now()
	for _, replay := range [][]byte{
		txs[1],                // the same bytes
		beat(m.ids[1], until), // the nonce is signer and timeout: another message does not renew it
	} {
		m.refused("already used timeout", replay)
		require.Equal(t, before, seen(m.ids[1]), "nothing was executed")
	}
	twice := beat(m.ids[2], until.Add(time.Second))
	res := m.Block(blockTime, twice, twice)
	require.Zero(t, res.TxResults[0].Code, res.TxResults[0].Log)
	require.NotZero(t, res.TxResults[1].Code)
	require.Contains(t, res.TxResults[1].Log, "already used timeout")

	m.refused("tx timeout", beat(m.ids[0], m.Now()))
	m.refused("exceeds", beat(m.ids[0], m.Now().Add(11*time.Minute)))
}
