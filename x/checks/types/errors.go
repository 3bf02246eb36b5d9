// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

// Codes are hashed into block results: append only, one decade per topic, never 0 or 1.
var (
	// ErrInvalidParams: a parameter is outside its bounds.
	ErrInvalidParams = errors.Register(ModuleName, 2, "invalid params")
	// ErrInvalidGenesis: the genesis state contradicts itself.
	ErrInvalidGenesis = errors.Register(ModuleName, 3, "invalid genesis")
	// ErrInvalidAddress: a field is not a bech32 address of this chain.
	ErrInvalidAddress = errors.Register(ModuleName, 4, "invalid address")
	// ErrInvariant: the state contradicts itself.
	ErrInvariant = errors.Register(ModuleName, 5, "broken invariant")

	// ErrLicenceNotFound: there is no licence of that id.
	ErrLicenceNotFound = errors.Register(ModuleName, 10, "licence not found")
	// ErrUnauthorized: the signer may not do this to this licence.
	ErrUnauthorized = errors.Register(ModuleName, 11, "unauthorized")
	// ErrLicenceState: the licence is not in a state that allows this.
	ErrLicenceState = errors.Register(ModuleName, 12, "licence is in the wrong state")
	// ErrBanned: the licence's ban has not ended.
	ErrBanned = errors.Register(ModuleName, 13, "licence is banned")
	// ErrInvalidBatch: the ids or the count of a message are empty, too many or repeat.
	ErrInvalidBatch = errors.Register(ModuleName, 14, "invalid batch")
	// ErrTooManyLicences: params.max_licences exist.
	ErrTooManyLicences = errors.Register(ModuleName, 15, "too many licences")
	// ErrNothingRipe: no bond has finished unbonding.
	ErrNothingRipe = errors.Register(ModuleName, 16, "nothing to withdraw yet")

	// ErrInvalidReport: a report, commit or salt has the wrong form.
	ErrInvalidReport = errors.Register(ModuleName, 20, "invalid report")
	// ErrWrongRound: the report names another round than the running one.
	ErrWrongRound = errors.Register(ModuleName, 21, "wrong round")
	// ErrWindowClosed: reports are taken in the last part of a round only.
	ErrWindowClosed = errors.Register(ModuleName, 22, "reports are not taken yet")
	// ErrNoSeat: the operator holds no seat in this round.
	ErrNoSeat = errors.Register(ModuleName, 23, "operator holds no seat")
	// ErrNotDrawn: the operator is not in the committee of a shard that it reports on.
	ErrNotDrawn = errors.Register(ModuleName, 24, "operator was not drawn")
	// ErrNoCommit: there is no commit that the reveal could open.
	ErrNoCommit = errors.Register(ModuleName, 25, "no commit to reveal")
	// ErrCommitMismatch: the reveal does not hash to the commit.
	ErrCommitMismatch = errors.Register(ModuleName, 26, "reveal does not match the commit")
	// ErrAlreadySubmitted: the operator has already committed to or revealed this round.
	ErrAlreadySubmitted = errors.Register(ModuleName, 27, "already submitted")

	// ErrRoundNotFound: the round does not run yet, or its committees are no longer kept.
	ErrRoundNotFound = errors.Register(ModuleName, 30, "round not found")
	// ErrShardNotFound: the round has no such shard.
	ErrShardNotFound = errors.Register(ModuleName, 31, "shard not found")
)
