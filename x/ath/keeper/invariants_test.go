// SPDX-License-Identifier: Apache-2.0

package keeper

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/x/ath/types"
)

// Every invariant notices the state that it is there to notice.
func TestCheckInvariantsNotices(t *testing.T) {
	f := newFixture(t, shortParams())
	row := prepaid(user(0), types.Denom)
	f.block(0, deposit(f.k, user(0), row, 10_000_000), f.position(1, user(1), 10), f.markRound(1))
	f.block(time.Second, pay(f.k, row, user(1), user(2), 5_000_000))
	f.block(time.Second, f.markRound(2), f.confirm(0, 2))
	for range 3 {
		f.nextEpoch()
	}

	k := f.k
	one := math.OneInt()
	delivery := uint32(types.Pool_POOL_DELIVERY)
	for name, spoil := range map[string]func(ctx sdk.Context) error{
		"the rows sum to": func(ctx sdk.Context) error {
			key, err := k.rowKey(row)
			require.NoError(t, err)
			return k.addRow(ctx, key, one)
		},
		"the DAO was granted 1": func(ctx sdk.Context) error { return k.daoGranted.Set(ctx, one) },
		"row (": func(ctx sdk.Context) error {
			return k.rows.Set(ctx, newRowKey(types.RowKind_ROW_KIND_SLA_FUND, nil, 0, usd), math.ZeroInt())
		},
		"are above the cap": func(ctx sdk.Context) error { return k.minted.Set(ctx, math.NewInt(types.Cap)) },
		"supply is":         func(ctx sdk.Context) error { return k.burnt.Set(ctx, math.NewInt(types.Cap/2)) },
		"emitted": func(ctx sdk.Context) error {
			state, err := k.pools.Get(ctx, delivery)
			require.NoError(t, err)
			state.Paid = state.Paid.Add(one)
			return k.pools.Set(ctx, delivery, state)
		},
		"has budgets of": func(ctx sdk.Context) error {
			share, err := k.shares.Get(ctx, collections.Join(delivery, uint64(4)))
			require.NoError(t, err)
			share.Budget = math.NewInt(types.Cap)
			return k.shares.Set(ctx, collections.Join(delivery, uint64(4)), share)
		},
		"has weight": func(ctx sdk.Context) error {
			return k.sharePositions.Set(ctx, collections.Join3(delivery, []byte(user(5)), uint64(4)), one)
		},
		"for closed epochs": func(ctx sdk.Context) error {
			share, err := k.shares.Get(ctx, collections.Join(delivery, uint64(1)))
			require.NoError(t, err)
			share.Amount = share.Amount.MulRaw(2)
			return k.shares.Set(ctx, collections.Join(delivery, uint64(1)), share)
		},
		"has no share of epoch 4": func(ctx sdk.Context) error {
			return k.shares.Remove(ctx, collections.Join(uint32(types.Pool_POOL_INDEXER), uint64(4)))
		},
		"a bar in POOL_DELIVERY": func(ctx sdk.Context) error {
			return k.bars.Set(ctx, collections.Join(delivery, []byte(user(5))), one)
		},
		"the quarter ended with epoch 3": func(ctx sdk.Context) error { return k.bonusUntil.Set(ctx, 3) },
		"of which 1 are reserved": func(ctx sdk.Context) error {
			share, err := k.shares.Get(ctx, collections.Join(delivery, uint64(4)))
			require.NoError(t, err)
			share.ReturnedBudget = one
			return k.shares.Set(ctx, collections.Join(delivery, uint64(4)), share)
		},
		"group 0 does not exist": func(ctx sdk.Context) error { return k.groups.Remove(ctx, 0) },
		"settled ahead": func(ctx sdk.Context) error {
			position, err := k.positions.Get(ctx, 1)
			require.NoError(t, err)
			position.Snapshot = math.NewIntWithDecimal(1, 39)
			return k.positions.Set(ctx, 1, position)
		},
		"the stream counts": func(ctx sdk.Context) error {
			stream, err := k.stream.Get(ctx)
			require.NoError(t, err)
			stream.NextWeight = stream.NextWeight.Add(one)
			return k.stream.Set(ctx, stream)
		},
		"group 0 counts": func(ctx sdk.Context) error {
			group, err := k.group(ctx, 0)
			require.NoError(t, err)
			group.Weight = group.Weight.Add(one)
			return k.groups.Set(ctx, 0, group)
		},
		"positions accrued": func(ctx sdk.Context) error {
			group, err := k.group(ctx, 0)
			require.NoError(t, err)
			group.Index = group.Index.MulRaw(2)
			return k.groups.Set(ctx, 0, group)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f.open(time.Nanosecond)
			require.NoError(t, k.CheckInvariants(f.ctx))
			require.NoError(t, spoil(f.ctx))
			err := k.CheckInvariants(f.ctx)
			require.ErrorIs(t, err, types.ErrInvariant)
			require.ErrorContains(t, err, name)
		})
	}
}
