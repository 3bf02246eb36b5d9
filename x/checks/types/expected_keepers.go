// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Vault is the part of x/ath that holds bonds, pays Checkers and makes the beacon.
type Vault interface {
	// Deposit moves uath (row.Denom) from a bank account into a row; visible in the row at once.
	Deposit(ctx sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error
	// Move moves coins between two rows that only this transaction's user writes; both change at once.
	Move(ctx sdk.Context, from, to athtypes.Row, amount math.Int) error
	// WithdrawRipe pays up to a bounded number of rows (kind, owner, bucket <= now) to the bank account of `to`.
	WithdrawRipe(ctx sdk.Context, kind athtypes.RowKind, owner, to sdk.AccAddress) (paid math.Int, more bool, err error)
	// RowAmount is what a row holds; zero for a row that does not exist.
	RowAmount(ctx sdk.Context, row athtypes.Row) (math.Int, error)
	// AddWeight adds to a beneficiary's weight in the running epoch of a Shares pool.
	AddWeight(ctx sdk.Context, pool athtypes.Pool, beneficiary sdk.AccAddress, weight math.Int) error
	// BonusQuarter names the running quarter of the Checkers' bonus.
	BonusQuarter(ctx sdk.Context) (uint64, error)
	// ChangeBonus changes a beneficiary's weight in the running quarter of the bonus.
	ChangeBonus(ctx sdk.Context, beneficiary sdk.AccAddress, change math.Int) error
	// EmissionPerYear is what is emitted into a pool in a year at the running epoch's rate; uath.
	EmissionPerYear(ctx sdk.Context, pool athtypes.Pool) (math.Int, error)
	// Fold adds up what the block has paid so far, so that what a verdict takes back finds it.
	Fold(ctx sdk.Context) error
	// MixedBeacon mixes the random values of the last 64 blocks, this one included: 32 bytes.
	MixedBeacon(ctx sdk.Context) ([]byte, error)
	// MarkRound steps the capacity stream to now and keeps its index as the end of a round; rounds come in order.
	MarkRound(ctx sdk.Context, round uint64) error
}

// Providers is the part of x/providers that x/checks reads members from and writes health to.
type Providers interface {
	// Shards returns how many shards there are: highest Container id / ShardSize + 1, or 0 without Containers.
	Shards(ctx sdk.Context) (uint64, error)
	// Shard returns members and present health of a shard; a zero value for one without Containers.
	Shard(ctx sdk.Context, shard uint64) (providertypes.ShardHealth, error)
	// ApplyVerdict applies a verdict: confirms the shard, changes the Containers whose health changed, promotes joining
	// members. Called once per shard and round, in order of round.
	ApplyVerdict(ctx sdk.Context, verdict providertypes.ShardVerdict) error
}

// Leases is the part of x/leases that credits tenants for what Checkers find.
type Leases interface {
	// Fault credits the leases that a fault of a Container touches. Called once when a verdict finds it faulty, in EndBlock.
	Fault(ctx sdk.Context, container uint64, fault time.Time) error
	// Recovered ends that: called once when a verdict finds the Container healthy again.
	Recovered(ctx sdk.Context, container uint64) error
}
