// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"testing"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/providers/types"
)

// metered reports time and gas of one operation.
func metered(b *testing.B, f *fixture, do func(ctx sdk.Context) error) {
	b.Helper()
	gas := uint64(0)
	for b.Loop() {
		ctx := f.ctx.WithGasMeter(storetypes.NewInfiniteGasMeter()).WithEventManager(sdk.NewEventManager())
		if err := do(ctx); err != nil {
			b.Fatal(err)
		}
		gas = ctx.GasMeter().GasConsumed()
	}
	b.ReportMetric(float64(gas), "gas")
}

func BenchmarkBindAndRelease(b *testing.B) {
	f := newFixture(b)
	id := f.ready(b, 100)[50]
	metered(b, f, func(ctx sdk.Context) error {
		if err := bind(f.k, ctx, id, "tenant/1"); err != nil {
			return err
		}
		return f.k.Release(ctx, id, "tenant/1", false)
	})
}

func BenchmarkHeartbeat100(b *testing.B) {
	f := newFixture(b)
	ids := f.ready(b, 100)
	metered(b, f, func(ctx sdk.Context) error {
		_, err := f.msgs.Heartbeat(ctx, &types.MsgHeartbeat{Operator: operator.String(), Ids: ids})
		return err
	})
}

// A shard in which nothing changed writes the same, however many Containers it has, and reads a sixteenth of their heartbeats.
func BenchmarkVerdictOnHealthyShard(b *testing.B) {
	f := newFixture(b)
	ids := f.ready(b, 100)
	all, number := types.BitmapOf(ids...), uint64(4)
	metered(b, f, func(ctx sdk.Context) error {
		v := f.aVerdict(number, all, nil, nil)
		number++
		f.stream.calls = nil
		return f.k.ApplyVerdict(ctx, v)
	})
}
