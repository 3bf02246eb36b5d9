// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	leasetypes "github.com/athnet/ath/x/leases/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/worker/api"
)

// TestTheWorkerSignsWhatItCloses: codes, images and the end of its records, as of when it decided, through a restart.
func TestTheWorkerSignsWhatItCloses(t *testing.T) {
	r := newRig(t)
	m := workload(service("job", imageJob, manifest.RestartNever))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.runtime.Exit(key(lease, "job"), 3, false)
	r.takeBlock(r.chain.block())
	require.NoError(t, r.lookOnce(t.Context()))
	require.NoError(t, r.reconcile(t.Context()))
	intent, _ := r.book.intent(lease)
	require.NotNil(t, intent.Closing)
	decided := r.statement(intent)
	r.clock.Advance(time.Second)
	r.restart(r.chain, r.runtime, r.store)
	r.settle()
	s := r.chain.receipts[lease].Statement
	require.Equal(t, &decided, s)
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_COMPLETED, s.Reason)
	require.Equal(t, []int32{3}, s.ExitCodes)
	require.Equal(t, imageDigest(m), s.ImageDigest)
	require.Equal(t, r.chain.receipts[lease].UsageSequence, s.UsageSequence)
}

// TestARefusedStatementDoesNotHoldACloseUp: a worker whose key is not the one on chain closes without its signature.
func TestARefusedStatementDoesNotHoldACloseUp(t *testing.T) {
	r := newRig(t)
	r.chain.key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{6}, 32)).Public().(ed25519.PublicKey)
	m := workload(service("job", imageJob, manifest.RestartNever))
	r.deliver(m)
	lease := r.chain.open(1, m)
	r.settle()
	r.runtime.Exit(key(lease, "job"), 0, false)
	r.settle()
	require.NotNil(t, r.chain.receipts[lease])
	require.Nil(t, r.chain.receipts[lease].Statement)
	require.Equal(t, []int32{0}, r.chain.receipts[lease].ExitCodes)
}

// TestGatewaySignsForTheTenant: while the lease runs what its tenant can close it with, afterwards how it ended; for nobody else.
func TestGatewaySignsForTheTenant(t *testing.T) {
	tenant = walletAddress()
	t.Cleanup(func() { tenant = address(1) })
	r := newRig(t)
	m := workload(service("job", imageJob, manifest.RestartNever), service("web", imageWeb, manifest.RestartAlways))
	r.deliver(m)
	endpoint := serve(t, r)
	client := api.NewClient(endpoint, testPub, token(t, r.clock.Now(), access.ScopeStatus))
	defer client.Close()
	_, err := client.Statement(t.Context(), tenant+"/1")
	var answer *api.Error
	require.ErrorAs(t, err, &answer)
	require.Equal(t, http.StatusNotFound, answer.Code)
	lease := r.chain.open(1, m)
	r.settle()
	r.runtime.Exit(key(lease, "job"), 3, false)
	r.settle()
	s, err := client.Statement(t.Context(), lease)
	require.NoError(t, err)
	require.NoError(t, s.Validate())
	require.NoError(t, s.Verify(testChainID, lease, 7, testPub))
	require.NoError(t, s.Covers(*r.chain.leases[lease], r.clock.Now(), 5*time.Second))
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_TENANT, s.Reason)
	require.Empty(t, s.ExitCodes, "the service runs on")
	require.Equal(t, r.chain.leases[lease].UsageHash, s.UsageHash)

	r.chain.close(lease, leasetypes.CloseReason_CLOSE_REASON_FAULT)
	r.settle()
	s, err = client.Statement(t.Context(), lease)
	require.NoError(t, err)
	require.NoError(t, s.Verify(testChainID, lease, 7, testPub))
	require.Equal(t, leasetypes.CloseReason_CLOSE_REASON_FAULT, s.Reason)
	require.Equal(t, []int32{3, 143}, s.ExitCodes)

	stranger := api.NewClient(endpoint, testPub, token(t, r.clock.Now(), access.ScopeLogs))
	defer stranger.Close()
	_, err = stranger.Statement(t.Context(), lease)
	require.ErrorAs(t, err, &answer)
	require.Equal(t, http.StatusForbidden, answer.Code)
}
