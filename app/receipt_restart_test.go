// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/ed25519"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// root is the log's root at the end of the last epoch in which a lease ended.
func (m *market) root() leasestypes.ReceiptRoot {
	m.t.Helper()
	var res leasestypes.QueryReceiptRootResponse
	m.Query("/athd.leases.v1.Query/ReceiptRoot", &leasestypes.QueryReceiptRootRequest{}, &res)
	return res.Root
}

// closeSigned closes a lease with what its worker has signed, and returns the receipt's hash.
func (m *market) closeSigned(id string) []byte {
	m.t.Helper()
	lease := m.lease(id)
	s := leasestypes.WorkerStatement{
		Reason: leasestypes.CloseReason_CLOSE_REASON_TENANT, EndedAt: m.Now(), UsageSequence: lease.UsageSequence, UsageHash: lease.UsageHash,
	}
	s.Signature = ed25519.Sign(m.worker, s.SignBytes(shadow.ChainID, id, lease.ContainerId))
	res := m.next(m.Sign(m.tenant, &leasestypes.MsgCloseLease{Signer: m.tenant.String(), LeaseId: id, Statement: &s}))
	receipt := answer[leasestypes.MsgCloseLeaseResponse](m.t, res.TxResults[0]).Receipt
	require.NoError(m.t, receipt.VerifyStatement(shadow.ChainID))
	require.Equal(m.t, leasestypes.Health_HEALTH_HEALTHY, receipt.Health)
	require.True(m.t, receipt.Fee.IsPositive() && receipt.Fee.LT(receipt.Billed))
	hash, err := receipt.Hash(shadow.ChainID)
	require.NoError(m.t, err)
	return hash
}

// TestReceiptsSurviveARestart: a chain that was exported and started anew proves receipts of before against roots of before and after,
// gives out no number twice, closes nothing a second time, and pays no voucher again.
func TestReceiptsSurviveARestart(t *testing.T) {
	m := newMarket(t, []shadow.Twin{shadow.Plain()})
	m.open(2)
	first, _ := m.rent(m.tenant, gen.ATH(10), 0)
	m.run(70 * time.Second)
	m.next(m.Sign(m.tenant, &leasestypes.MsgOpenChannels{
		Tenant: m.tenant.String(), Deposit: sdk.NewInt64Coin(athtypes.Denom, 50_000),
		Channels: []leasestypes.ChannelOrder{{
			ContainerId: m.ids[0], Cap: 50_000, ExpiresAt: m.Now().Add(24 * time.Hour), VoucherKey: m.voucherKey().Public().(ed25519.PublicKey),
		}},
	}))
	m.next(m.redeem(20_000))
	m.next(m.use(first, m.Now().Add(-time.Second), m.Now()))
	hashes := [][]byte{m.closeSigned(first)}
	m.run(2 * time.Minute) // over the end of the epoch
	before := m.root()
	require.Equal(t, uint64(1), before.Count)

	file := m.export()
	after := *m
	after.broken, after.sealed, after.usage = maps.Clone(m.broken), maps.Clone(m.sealed), maps.Clone(m.usage)
	after.Chain = shadow.Resume(t, []shadow.Twin{shadow.Plain()}, file.AppState, file.Height, m.Now())
	after.Block(0)
	require.Equal(t, before, after.root())
	require.Equal(t, m.receipt(first), after.receipt(first))
	after.refused("lease is closed", after.Sign(after.tenant, &leasestypes.MsgCloseLease{Signer: after.tenant.String(), LeaseId: first}))
	res := after.next(after.redeem(20_000), after.redeem(25_000), after.redeem(20_000))
	for i, want := range []uint64{0, 5_000, 0} {
		require.Equal(t, want, answer[leasestypes.MsgRedeemResponse](t, res.TxResults[i]).Paid)
	}
	second, _ := after.rent(after.tenant, gen.ATH(10), 0)
	require.Equal(t, after.tenant.String()+"/2", second)
	after.run(70 * time.Second)
	hashes = append(hashes, after.closeSigned(second))
	after.run(2 * time.Minute)
	root := after.root()
	require.Equal(t, uint64(2), root.Count)
	at := leasestypes.NodesOf(func(i uint64) ([]byte, error) { return hashes[i], nil })
	for i := range uint64(2) {
		proof, err := leasestypes.Prove(i, 2, at)
		require.NoError(t, err)
		require.NoError(t, proof.Verify(hashes[i], root.Root))
	}
	proof, err := leasestypes.Prove(0, 1, at)
	require.NoError(t, err)
	require.NoError(t, proof.Verify(hashes[0], before.Root))
	require.NoError(t, after.App().CheckInvariants(after.Context()))
}
