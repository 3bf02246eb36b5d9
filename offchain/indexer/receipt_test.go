// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/stretchr/testify/require"

	leasetypes "github.com/athnet/ath/x/leases/types"
)

// TestReceiptsAreProven: the receipts that the chain forgets lead to the roots that it keeps, through a restart; one that is too young,
// or missing, is said to be.
func TestReceiptsAreProven(t *testing.T) {
	n, path := newNetwork(), filepath.Join(t.TempDir(), "db")
	r := n.start(t, path, nil)
	const tenant = "ath1tenant"
	var log leasetypes.ReceiptLog
	closeLease := func(number uint64) {
		_, _, _, _, closed := lifecycle(tenant, number)
		receipt := closed.(*leasetypes.EventLeaseClosed).Receipt
		hash, err := receipt.Hash(n.ChainID())
		require.NoError(t, err)
		r.block(closed, &leasetypes.EventReceiptsLogged{First: log.Count, LeaseIds: []string{fmt.Sprintf("%s/%d", tenant, number)}})
		log = log.Append(hash)
	}
	ask := func(number uint64) (int, string) {
		resp, err := http.Get(fmt.Sprintf("%s/v1/receipts/%s/%d", r.client.URL, tenant, number))
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	for number := range uint64(5) {
		closeLease(number + 1)
	}
	code, text := ask(3)
	require.Equal(t, 404, code)
	require.Contains(t, text, "ask again after the epoch")
	root := log.Root()
	r.block(&leasetypes.EventReceiptRoot{Root: leasetypes.ReceiptRoot{Epoch: 7, Count: log.Count, Root: root}})
	r.stop()
	r = n.start(t, path, nil)
	defer func() { r.stop() }()
	closeLease(6)
	for number := uint64(1); number <= 5; number++ {
		code, text = ask(number)
		require.Equal(t, 200, code, text)
		var bundle leasetypes.ReceiptBundle
		require.NoError(t, jsonpb.Unmarshal(strings.NewReader(text), &bundle))
		require.Equal(t, number, bundle.Receipt.Number)
		require.Equal(t, uint64(7), bundle.Epoch)
		require.NoError(t, bundle.Verify(root))
		bundle.Receipt.UsageSequence++
		require.Error(t, bundle.Verify(root), "of another receipt")
	}
	code, text = ask(6)
	require.Equal(t, 404, code, text)
	code, text = ask(99)
	require.Equal(t, 404, code)
	require.Contains(t, text, "no receipt of the lease")

	r.block(&leasetypes.EventReceiptsLogged{First: log.Count + 1, LeaseIds: []string{tenant + "/6"}},
		&leasetypes.EventReceiptRoot{Root: leasetypes.ReceiptRoot{Epoch: 8, Count: log.Count + 2, Root: root}})
	code, text = ask(6)
	require.Equal(t, 404, code)
	require.Contains(t, text, "begins with the chain", "a gap")
}
