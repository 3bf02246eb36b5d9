// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/collections"

const (
	// ModuleName names the module and its store.
	ModuleName = "providers"
	// StoreKey of the persistent store.
	StoreKey = ModuleName
)

// Key prefixes; the README repeats this table. A prefix is never given to something else.
var (
	// ParamsPrefix: () -> Params.
	ParamsPrefix = collections.NewPrefix(1)
	// ClassPrefix: name -> Class.
	ClassPrefix = collections.NewPrefix(2)
	// ProviderPrefix: owner -> Provider.
	ProviderPrefix = collections.NewPrefix(3)
	// NextContainerPrefix: () -> id of the next Container.
	NextContainerPrefix = collections.NewPrefix(4)
	// ContainerPrefix: id -> Container, the static part.
	ContainerPrefix = collections.NewPrefix(5)
	// ContainerByProviderPrefix: (owner, id) -> ().
	ContainerByProviderPrefix = collections.NewPrefix(6)
	// ContainerByFingerprintPrefix: fingerprint -> id of the living Container.
	ContainerByFingerprintPrefix = collections.NewPrefix(7)
	// StatusPrefix: id -> ContainerStatus, the one key that opening or closing a lease writes here.
	StatusPrefix = collections.NewPrefix(8)
	// LastSeenPrefix: id -> block time of the last heartbeat, in nanoseconds since 1970.
	LastSeenPrefix = collections.NewPrefix(9)
	// ShardPrefix: shard -> ShardHealth.
	ShardPrefix = collections.NewPrefix(10)
	// TicketPrefix: id -> Ticket, open or contested.
	TicketPrefix = collections.NewPrefix(11)
	// TicketByProviderPrefix: (owner, id) -> ().
	TicketByProviderPrefix = collections.NewPrefix(12)
	// TicketQueuePrefix: (deadline, id) -> (); the deadline in nanoseconds since 1970.
	TicketQueuePrefix = collections.NewPrefix(13)
	// StakePrefix: Container -> ContainerStake.
	StakePrefix = collections.NewPrefix(14)
	// NextTicketPrefix: () -> id of the next ticket.
	NextTicketPrefix = collections.NewPrefix(18)
	// CoefficientPrefix: () -> Coefficient.
	CoefficientPrefix = collections.NewPrefix(19)
	// NotedPrefix: () -> time of a recent block, in nanoseconds since 1970.
	NotedPrefix = collections.NewPrefix(20)
	// ResumedPrefix: () -> since when blocks come without a pause, in nanoseconds since 1970.
	ResumedPrefix = collections.NewPrefix(21)
	// ClaimPrefix: (beneficiary, ticket) -> (), of tickets that owe an account something.
	ClaimPrefix = collections.NewPrefix(22)
)
