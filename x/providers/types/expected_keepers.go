// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// Vault is the part of x/ath that holds stake.
type Vault interface {
	// Deposit moves uath (row.Denom) from a bank account into a row; visible in the row at once.
	Deposit(ctx sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error
	// DepositRows is Deposit of many rows of uath at once.
	DepositRows(ctx sdk.Context, from sdk.AccAddress, rows []athtypes.RowBalance) error
	// Move moves coins between two rows that only this transaction's user writes; both change at once.
	Move(ctx sdk.Context, from, to athtypes.Row, amount math.Int) error
	// WithdrawRipe pays up to a bounded number of rows (kind, owner, bucket <= now) to the bank account of `to`.
	WithdrawRipe(ctx sdk.Context, kind athtypes.RowKind, owner, to sdk.AccAddress) (paid math.Int, more bool, err error)
	// RowAmount is what a row holds; zero for a row that does not exist.
	RowAmount(ctx sdk.Context, row athtypes.Row) (math.Int, error)
	// HasRows says whether an owner has any row of a kind.
	HasRows(ctx sdk.Context, kind athtypes.RowKind, owner sdk.AccAddress) (bool, error)
	// Hold moves up to amount uath of an owner to where no message of the owner reaches it, under an id that is not in use:
	// unvested and unclaimed income first, then unbonding stake, then the given stake rows. It says what it took from where.
	Hold(ctx sdk.Context, owner sdk.AccAddress, id uint64, amount math.Int, stake []athtypes.Row) ([]athtypes.RowBalance, error)
	// EndHold moves what a hold has into rows, which must sum to it: back to where it came from, or to whom it is due.
	EndHold(ctx sdk.Context, owner sdk.AccAddress, id uint64, to []athtypes.RowBalance) error
	// Slashable is what a hold can take beside bonded stake; for queries.
	Slashable(ctx sdk.Context, owner sdk.AccAddress) (income, unbonding math.Int, err error)
	// MinExitDelay is the least time in which income leaves early; no ticket stays open for longer.
	MinExitDelay(ctx sdk.Context) (time.Duration, error)
	// SetPayout redirects withdrawals of a beneficiary's income; an empty or equal payout removes the redirection.
	SetPayout(ctx sdk.Context, beneficiary, payout sdk.AccAddress) error
}

// Economy is the part of x/ath that knows what the network earns.
type Economy interface {
	// Epoch is the running one.
	Epoch(ctx sdk.Context) (athtypes.Epoch, error)
	// Revenue is what tenants paid to suppliers, service fee included, in the last complete epochs, at most 31; uath.
	Revenue(ctx sdk.Context, epochs uint64) (math.Int, error)
	// EmissionPerYear is what is emitted into a pool in a year at the running epoch's rate; uath.
	EmissionPerYear(ctx sdk.Context, pool athtypes.Pool) (math.Int, error)
}

// Figures is the part of x/ath that counts supply per class of hardware, so that a lease needs to write no total.
type Figures interface {
	// CountClass changes the figures of a class at the end of the block; it writes no persistent key.
	CountClass(ctx sdk.Context, change athtypes.ClassFigures) error
	// SetClassFigures replaces the figures of a class, when a chain begins.
	SetClassFigures(ctx sdk.Context, figures athtypes.ClassFigures) error
	// ClassFigures are those of a class; nothing is counted of one that has no Containers.
	ClassFigures(ctx sdk.Context, class string) (athtypes.ClassFigures, error)
	// AllClassFigures are those of all classes that have Containers, in order of name.
	AllClassFigures(ctx sdk.Context) ([]athtypes.ClassFigures, error)
}

// Stream is the part of x/ath that pays capacity. A holder is a Container, a group is its shard.
type Stream interface {
	// SetPosition settles a holder into its beneficiary's capacity ledger and gives it a new weight (0 = earns nothing).
	SetPosition(ctx sdk.Context, holder, group uint64, beneficiary sdk.AccAddress, weight math.Int) error
	// Settle credits a holder's beneficiary with what the holder has earned up to now.
	Settle(ctx sdk.Context, holder uint64) error
	// RemovePosition settles a holder and forgets it.
	RemovePosition(ctx sdk.Context, holder uint64) error
	// Confirm adds a round's growth of the global index to a group's index; a round that is never confirmed pays the
	// group nothing. At most once per group and round.
	Confirm(ctx sdk.Context, group, round uint64) error
	// Skip settles a holder before Confirm(group, round) and lets it miss that round; it is called before Confirm.
	Skip(ctx sdk.Context, holder, round uint64) error
}
