// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/server"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	"github.com/cosmos/cosmos-sdk/telemetry/registry"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
)

// TestTenantsRunInParallel: the parallel executor runs the leases of several tenants at one provider, in one block and each
// with a fee, exactly once each. What it counts is its own metric, "executions including re-executions". That the metric sees
// a conflict is shown by transactions of one account, which write one sequence.
func TestTenantsRunInParallel(t *testing.T) {
	executed := countExecutions(t)
	m := newMarket(t, []shadow.Twin{{Name: "parallel", Options: map[string]any{
		server.FlagBlockExecutor: serverconfig.BlockExecutorBlockSTM, server.FlagBlockSTMWorkers: 4, server.FlagBlockSTMPreEstimate: false,
	}}})
	tenants := append([]gen.Account{m.tenant, m.purse}, m.checkers...)
	m.open(len(tenants))

	manifest := sha256.Sum256([]byte("manifest"))
	block := func(each func(i int, tenant gen.Account) sdk.Msg) {
		t.Helper()
		var txs [][]byte
		for i, tenant := range tenants {
			txs = append(txs, m.SignWith(tenant, gen.Options{Gas: 10_000_000, Fee: math.NewInt(1_000)}, each(i, tenant)))
		}
		before := executed()
		for i, result := range m.Block(time.Millisecond, txs...).TxResults {
			require.Zero(t, result.Code, "%d: %s", i, result.Log)
		}
		require.Equal(t, int64(len(txs)), executed()-before, "executions of %d transactions", len(txs))
		m.check()
	}
	var leases []string
	block(func(i int, tenant gen.Account) sdk.Msg {
		return &leasestypes.MsgCreateLease{
			Tenant: tenant.String(), Candidates: []uint64{m.ids[i]}, MaxRate: math.NewInt(rate),
			Deposit: sdk.NewCoin(athtypes.Denom, gen.ATH(10)), ManifestHash: manifest[:],
		}
	})
	for _, tenant := range tenants {
		leases = append(leases, tenant.String()+"/1")
	}
	for _, id := range leases { // the worker's own transactions share its operator's sequence: one block each
		require.Zero(t, m.Block(time.Millisecond, m.use(id, m.Now(), m.Now())).TxResults[0].Code)
	}
	m.Block(5 * time.Second)
	block(func(i int, tenant gen.Account) sdk.Msg {
		return &leasestypes.MsgSettle{Signer: tenant.String(), LeaseIds: []string{leases[i]}}
	})
	block(func(i int, tenant gen.Account) sdk.Msg {
		return &leasestypes.MsgCloseLease{Signer: tenant.String(), LeaseId: leases[i]}
	})

	for range 50 {
		var txs [][]byte
		for range 10 {
			txs = append(txs, m.Sign(m.tenant, &leasestypes.MsgDeposit{Depositor: m.tenant.String(), Amount: sdk.NewCoin(athtypes.Denom, gen.ATH(1))}))
		}
		before := executed()
		m.Block(time.Millisecond, txs...)
		if executed()-before > int64(len(txs)) {
			return
		}
	}
	require.Fail(t, "the executor's metric never saw a conflict")
}

// countExecutions reads the parallel executor's count of executions.
func countExecutions(t *testing.T) func() int64 {
	reader := sdkmetric.NewManualReader()
	before := otel.GetMeterProvider()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	t.Cleanup(func() { otel.SetMeterProvider(before) })
	require.NoError(t, registry.Get("blockstm").Start(nil))
	return func() int64 {
		var all metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &all))
		var sum int64
		for _, scope := range all.ScopeMetrics {
			for _, metric := range scope.Metrics {
				if counter, ok := metric.Data.(metricdata.Sum[int64]); ok && metric.Name == "executed.txs" {
					for _, point := range counter.DataPoints {
						sum += point.Value
					}
				}
			}
		}
		return sum
	}
}
