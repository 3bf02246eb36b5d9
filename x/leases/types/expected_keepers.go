// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

// Vault is the part of x/ath that holds prepaid balances and pays suppliers.
type Vault interface {
	// Deposit moves coins from a bank account into a row; visible in the row at once.
	Deposit(ctx sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error
	// Withdraw pays coins of a row to a bank account.
	Withdraw(ctx sdk.Context, from athtypes.Row, to sdk.AccAddress, amount math.Int) error
	// Move moves coins between two rows of one denom; both change at once where they have an owner.
	Move(ctx sdk.Context, from, to athtypes.Row, amount math.Int) error
	// RowAmount is what a row holds; zero for a row that does not exist.
	RowAmount(ctx sdk.Context, row athtypes.Row) (math.Int, error)
	// UsdStep is the step of the UsdIndex that goes for a time, or the oldest that is kept; ErrNoPrice before the first price.
	UsdStep(ctx sdk.Context, at time.Time) (athtypes.UsdIndex, error)
	// UsdQuotable says whether something may be priced in USD now; ErrNoPrice where the price is unknown or stale.
	UsdQuotable(ctx sdk.Context) error
	// Epoch is the running one.
	Epoch(ctx sdk.Context) (athtypes.Epoch, error)
	// PayProvider takes amount from a prepaid row: the service fee is booked for the running epoch, the rest vests in the
	// provider's fee ledger; delivery weight (and, with an indexer, Indexer weight) grows by the fee. Everything that is
	// shared with other users is a delta that EndBlock folds.
	PayProvider(ctx sdk.Context, from athtypes.Row, provider, indexer sdk.AccAddress, amount math.Int) (fee math.Int, err error)
	// Refund undoes payments to a provider, up to amount, into a prepaid row: out of fees that have not vested and service fees that were
	// not distributed. Verdicts only, in EndBlock.
	Refund(ctx sdk.Context, provider, indexer sdk.AccAddress, to athtypes.Row, amount math.Int) (refunded math.Int, err error)
	// Proceeds are the first rows of what tickets have brought in for accounts, at most limit.
	Proceeds(ctx sdk.Context, limit int) ([]athtypes.RowBalance, error)
	// Undoable is how long at least a payment to a provider can be undone: none of it has vested or left early before.
	Undoable(ctx sdk.Context) (time.Duration, error)
	// Fold adds up what the block has paid so far, so that Refund finds it.
	Fold(ctx sdk.Context) error
}

// Providers is the part of x/providers that a lease pulls from.
type Providers interface {
	// Container returns the static part; ErrContainerNotFound.
	Container(ctx sdk.Context, id uint64) (providertypes.Container, error)
	// Status returns the changing part; ErrContainerNotFound.
	Status(ctx sdk.Context, id uint64) (providertypes.ContainerStatus, error)
	// Shard returns what Checkers last found of the Containers of a shard; a zero value for one in which nothing is checked.
	Shard(ctx sdk.Context, shard uint64) (providertypes.ShardHealth, error)
	// Class returns an entry of the catalogue; ErrClassNotFound.
	Class(ctx sdk.Context, name string) (providertypes.Class, error)
	// Vacancy returns a Container that can be leased now: Ready, no lease, available at this time, heard of within three heartbeat
	// intervals; else ErrContainerNotFree with why, ErrContainerNotFound.
	Vacancy(ctx sdk.Context, id uint64) (providertypes.Vacancy, error)
	// Bind takes a vacant Container Ready -> Leased, in the transaction that has asked for the Vacancy.
	Bind(ctx sdk.Context, v providertypes.Vacancy, leaseID string) error
	// Rebind hands it from one lease to another; ErrContainerNotFree where it is faulty or leaving the market.
	Rebind(ctx sdk.Context, id uint64, from, to string) error
	// Release takes it back: Leased -> Ready (or Offline while faulty, Checking where notStarted), Draining -> Maintenance.
	Release(ctx sdk.Context, id uint64, leaseID string, notStarted bool) error
	// TicketNotStarted claims damage of the provider for a lease that was not started in time.
	TicketNotStarted(ctx sdk.Context, id uint64, leaseID string) error
	// BreachCost is what it costs a provider to end a lease without notice, or before its term, that was worth due: that, or more.
	BreachCost(ctx sdk.Context, id uint64, due math.Int) (math.Int, error)
	// TicketReclaimed is TicketOutage for a lease that its provider has broken.
	TicketReclaimed(ctx sdk.Context, damage providertypes.Damage) (ticket uint64, held math.Int, err error)
	// TicketOutage claims of a provider what a fault owes a lease and its fees did not cover; it returns the ticket and what it holds. A
	// provider that is gone owes nothing. What the damage's claim is worth of it comes as Proceeds of the vault if the ticket is paid or runs
	// out.
	TicketOutage(ctx sdk.Context, damage providertypes.Damage) (ticket uint64, held math.Int, err error)
	// Related says whether an account is a provider's owner, operator or payout address.
	Related(ctx sdk.Context, provider string, account sdk.AccAddress) (bool, error)
	// Resumed is since when blocks come without a long pause.
	Resumed(ctx sdk.Context) (time.Time, error)
	// Outage is the Container's outage index: the sum of all its outages up to now, the running one included.
	Outage(ctx sdk.Context, id uint64) (time.Duration, error)
	// EarnsUntil is up to when the Container's service earns: the start of the fault that stands, else now.
	EarnsUntil(ctx sdk.Context, id uint64) (time.Time, error)
	// SetOffered says whether a public offer at or below the class's price ceiling stands, which capacity rewards need.
	SetOffered(ctx sdk.Context, id uint64, offered bool) error
	// Authorize returns nil if signer is the owner or an operator of the provider; ErrUnauthorized otherwise.
	Authorize(ctx sdk.Context, signer sdk.AccAddress, provider string) error
}
