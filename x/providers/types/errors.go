// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

// Codes are hashed into block results: append only, one decade per topic, never 0 or 1.
var (
	// ErrUnauthorized: the signer is neither owner nor operator, or not the owner where only the owner may act.
	ErrUnauthorized = errors.Register(ModuleName, 2, "unauthorized")
	// ErrInvalidField: a field of a message is malformed or out of range; the text names it.
	ErrInvalidField = errors.Register(ModuleName, 3, "invalid field")
	// ErrInvalidParams: parameters or a class out of range; the text names the field.
	ErrInvalidParams = errors.Register(ModuleName, 4, "invalid parameters")
	// ErrInvalidGenesis: a genesis state contradicts itself.
	ErrInvalidGenesis = errors.Register(ModuleName, 5, "invalid genesis")

	// ErrProviderNotFound: no provider with this owner.
	ErrProviderNotFound = errors.Register(ModuleName, 10, "provider not found")
	// ErrProviderExists: the owner is a provider already.
	ErrProviderExists = errors.Register(ModuleName, 11, "provider exists")
	// ErrProviderBusy: a provider with Containers or unbonding stake cannot be removed.
	ErrProviderBusy = errors.Register(ModuleName, 12, "provider is not empty")

	// ErrContainerNotFound: no living Container with this id.
	ErrContainerNotFound = errors.Register(ModuleName, 20, "container not found")
	// ErrContainerNotFree: the Container cannot be leased now; the text says why.
	ErrContainerNotFree = errors.Register(ModuleName, 21, "container not free")
	// ErrWrongState: the Container's state has no such edge.
	ErrWrongState = errors.Register(ModuleName, 22, "wrong container state")
	// ErrFingerprintTaken: a living Container has this fingerprint.
	ErrFingerprintTaken = errors.Register(ModuleName, 23, "fingerprint taken")
	// ErrWrongLease: the Container is not bound to this lease.
	ErrWrongLease = errors.Register(ModuleName, 24, "container serves another lease")
	// ErrSpecShrinks: a leased Container must not offer less than what was leased.
	ErrSpecShrinks = errors.Register(ModuleName, 25, "leased container must not shrink")

	// ErrClassNotFound: the catalogue has no such class.
	ErrClassNotFound = errors.Register(ModuleName, 30, "class not found")

	// ErrStakeAboveMax: the registration would bond more than the owner allows.
	ErrStakeAboveMax = errors.Register(ModuleName, 40, "stake above max_stake")
	// ErrNothingRipe: no stake has finished unbonding.
	ErrNothingRipe = errors.Register(ModuleName, 41, "no ripe stake")

	// ErrInvalidVerdict: a verdict contradicts itself or comes twice.
	ErrInvalidVerdict = errors.Register(ModuleName, 50, "invalid verdict")

	// ErrTicketNotFound: no open or contested ticket with this id.
	ErrTicketNotFound = errors.Register(ModuleName, 60, "ticket not found")
	// ErrTicketState: the ticket's state does not allow it.
	ErrTicketState = errors.Register(ModuleName, 61, "wrong ticket state")
	// ErrTicketDeadline: the ticket's deadline has passed, or has not.
	ErrTicketDeadline = errors.Register(ModuleName, 62, "ticket deadline")
	// ErrFullyStaked: none of the Containers lacks stake.
	ErrFullyStaked = errors.Register(ModuleName, 63, "no stake is missing")
)
