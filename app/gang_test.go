// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// TestTheLargestOrdersFitIntoABlock: a gang of 1,024 of whose candidates, as many as may be, the first half is taken, and a batch of 100 orders beside it.
func TestTheLargestOrdersFitIntoABlock(t *testing.T) {
	const most = 2 * leasestypes.MaxGang
	s := newStreet(t, nil, most+leasestypes.MaxOrders)
	gang := func(tenant string, candidates int) *leasestypes.MsgCreateLease {
		msg := s.order(tenant)
		msg.Count, msg.Candidates = leasestypes.MaxGang, nil
		for id := range candidates {
			msg.Candidates = append(msg.Candidates, uint64(id+1))
		}
		return msg
	}
	limits := app.BlockLimits()
	const share = 90_000_000 // of the block's gas, for the batch
	_, res := s.block(s.signFor(uint64(limits.MaxGas)-share, s.accounts[0], gang(s.accounts[0].String(), leasestypes.MaxGang)))
	require.Len(t, answerOf[leasestypes.MsgCreateLeaseResponse](t, res.TxResults[0]).Gang, leasestypes.MaxGang)

	over := gang(s.accounts[1].String(), most+1)
	cached, _ := s.state().CacheContext()
	_, err := s.app.MsgServiceRouter().Handler(over)(cached, over)
	require.ErrorIs(t, err, leasestypes.ErrInvalidField, "more candidates are more work than the gang pays for")

	batch := &leasestypes.MsgCreateLeases{Tenant: s.accounts[2].String()}
	for i := range leasestypes.MaxOrders {
		order := s.order("")
		order.Deposit, order.Candidates = sdk.Coin{}, []uint64{uint64(most + i + 1)}
		batch.Orders = append(batch.Orders, *order)
	}
	txs := [][]byte{
		s.signFor(uint64(limits.MaxGas)-share, s.accounts[1], gang(s.accounts[1].String(), most)),
		s.signFor(share, s.accounts[2], batch),
	}
	require.Less(t, len(txs[0])+len(txs[1]), int(limits.MaxBytes))
	_, res = s.block(txs...)
	opened := answerOf[leasestypes.MsgCreateLeaseResponse](t, res.TxResults[0]).Gang
	require.Len(t, opened, leasestypes.MaxGang)
	require.Equal(t, uint64(leasestypes.MaxGang+1), opened[0].ContainerId)
	served := answerOf[leasestypes.MsgCreateLeasesResponse](t, res.TxResults[1]).Results
	require.Len(t, served, leasestypes.MaxOrders)
	for _, order := range served {
		require.Len(t, order.Leases, 1)
	}
	gas := res.TxResults[0].GasUsed + res.TxResults[1].GasUsed
	require.Less(t, gas, limits.MaxGas)
	t.Logf("%d bytes, %d gas", len(txs[0])+len(txs[1]), gas)
	require.NoError(t, s.app.CheckInvariants(s.state()))
}
