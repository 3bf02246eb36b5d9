// SPDX-License-Identifier: Apache-2.0

package cmd

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	leases "github.com/athnet/ath/x/leases/types"
)

func receiptCommand(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := leaseReceiptCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceUsage = true
	err := cmd.Execute()
	return out.String(), err
}

// TestReceiptVerifyWithoutANode: a receipt that an Indexer exported is proven by a root alone; one with any word changed, or another
// root, is not, nor is the receipt of another lease than asked for.
func TestReceiptVerifyWithoutANode(t *testing.T) {
	tenant := sdk.AccAddress(bytes.Repeat([]byte{1}, 20)).String()
	at := time.Unix(1_700_000_000, 0).UTC()
	receipt := leases.Receipt{
		Tenant: tenant, Number: 2, Provider: "ath1provider", ClosedBy: tenant, Reason: leases.CloseReason_CLOSE_REASON_COMPLETED, CreatedAt: at,
		StartedAt: &at, EndedAt: at.Add(time.Hour), Denom: "uath", Rate: math.NewInt(10), Billed: math.NewInt(36_000), ExitCodes: []int32{0, 3},
		Refunded: math.NewInt(1_200), Fee: math.NewInt(1_800), Credited: math.ZeroInt(), ContainerId: 9,
		Health: leases.Health_HEALTH_HEALTHY, HealthAt: &at,
	}
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	receipt.WorkerPubkey = key.Public().(ed25519.PublicKey)
	signed := leases.WorkerStatement{Reason: receipt.Reason, ExitCodes: receipt.ExitCodes, EndedAt: at.Add(time.Hour)}
	signed.Signature = ed25519.Sign(key, signed.SignBytes("ath-1", tenant+"/3", 9))
	stranger := signed
	stranger.Signature = ed25519.Sign(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), signed.SignBytes("ath-1", tenant+"/4", 9))
	var (
		log    leases.ReceiptLog
		hashes [][]byte
	)
	receipts := map[uint64]leases.Receipt{}
	for _, statement := range []*leases.WorkerStatement{nil, &signed, &stranger} {
		receipt.Statement = statement
		hash, err := receipt.Hash("ath-1")
		require.NoError(t, err)
		hashes, log = append(hashes, hash), log.Append(hash)
		receipts[receipt.Number] = receipt
		receipt.Number++
	}
	receipt = receipts[3]
	proof, err := leases.Prove(1, 3, leases.NodesOf(func(i uint64) ([]byte, error) { return hashes[i], nil }))
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/v1/receipts/"+tenant+"/") {
			http.Error(w, `{"error":"none"}`, http.StatusNotFound)
			return
		}
		if err := printBundle(w, &leases.ReceiptBundle{ChainId: "ath-1", Receipt: receipt, Proof: proof, Epoch: 4}); err != nil {
			t.Errorf("answer: %v", err)
		}
	}))
	defer server.Close()

	text, err := receiptCommand(t, "export", tenant+"/3", "--indexer", server.URL)
	require.NoError(t, err)
	_, err = receiptCommand(t, "export", sdk.AccAddress(make([]byte, 20)).String()+"/3", "--indexer", server.URL)
	require.EqualError(t, err, "the Indexer answers: none")
	path := filepath.Join(t.TempDir(), "receipt.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	root := hex.EncodeToString(log.Root())
	for _, what := range []string{path, tenant + "/3"} {
		out, err := receiptCommand(t, "verify", what, "--root", root, "--indexer", server.URL)
		require.NoError(t, err)
		require.Contains(t, out, "is proven")
		require.Contains(t, out, "completed")
	}
	out, err := receiptCommand(t, "verify", path, "--root", root, "--output", "json")
	require.NoError(t, err)
	require.Contains(t, out, `"right": true`)
	require.Contains(t, out, `"statement": "signed"`)
	out, err = receiptCommand(t, "verify", path, "--root", root)
	require.NoError(t, err)
	for _, want := range []string{
		"36000uath, of it service fee 1800", "1200uath of what was reserved", "9, healthy by the checks until 2023-11-14", "3B6A27BCCEB6A42D62A3A8D0",
		"signed by the worker key: completed, served until 2023-11-14T23:13:20Z, 0 usage records, exit codes [0 3]",
		"2 of 3 receipts",
	} {
		require.Contains(t, out, want)
	}

	// What the log proves of a receipt is also whose word it holds: one that no chain would have written is told.
	index := uint64(2)
	proof, err = leases.Prove(index, 3, leases.NodesOf(func(i uint64) ([]byte, error) { return hashes[i], nil }))
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, printBundle(&file, &leases.ReceiptBundle{ChainId: "ath-1", Receipt: receipts[4], Proof: proof, Epoch: 4}))
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	out, err = receiptCommand(t, "verify", path, "--root", root)
	require.ErrorContains(t, err, "want one of the worker key of container 9")
	require.Contains(t, out, "NOT SIGNED by the worker key")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))

	out, err = receiptCommand(t, "verify", path, "--root", strings.Repeat("00", 32))
	require.ErrorContains(t, err, "is not proven")
	require.Contains(t, out, "IS NOT PROVEN")
	for from, to := range map[string]string{`"36000"`: `"35999"`, `"1800"`: `"1799"`, `"1200"`: `"1201"`, "HEALTHY": "FAULTY", `"ath-1"`: `"ath-2"`, `"index": "1"`: `"index": "0"`, "COMPLETED": "TENANT"} {
		require.Contains(t, text, from)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(text, from, to, 1)), 0o600))
		_, err = receiptCommand(t, "verify", path, "--root", root)
		require.ErrorContains(t, err, "is not proven", from)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"verify", path, "--root", "12"}, "64 hex digits"},
		{[]string{"verify", "none.json", "--root", root}, "no such file"},
		{[]string{"verify", tenant + "/3", "--root", root}, "--indexer"},
		{[]string{"verify", tenant + "/5", "--root", root, "--indexer", server.URL}, "the receipt of lease"},
	} {
		_, err = receiptCommand(t, c.args...)
		require.ErrorContains(t, err, c.want, c.args)
	}
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = receiptCommand(t, "verify", path, "--root", root)
	require.ErrorContains(t, err, "not a receipt")
}
