// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

// Codes are hashed into block results: append only, one decade per topic, never 0 or 1.
var (
	// ErrInvalidParams: a parameter is outside of its bounds.
	ErrInvalidParams = errors.Register(ModuleName, 2, "invalid parameters")
	// ErrInvalidAddress: a field doesn't hold an address of this chain.
	ErrInvalidAddress = errors.Register(ModuleName, 3, "invalid address")
	// ErrInvalidGenesis: a genesis state contradicts itself.
	ErrInvalidGenesis = errors.Register(ModuleName, 4, "invalid genesis state")
	// ErrInvariant: state that can't be; CheckInvariants found it.
	ErrInvariant = errors.Register(ModuleName, 5, "invariant broken")

	// ErrInvalidAmount: an amount is zero, negative or larger than MaxAmount.
	ErrInvalidAmount = errors.Register(ModuleName, 10, "invalid amount")
	// ErrInvalidRow: a vault row's key is not well formed.
	ErrInvalidRow = errors.Register(ModuleName, 11, "invalid vault row")
	// ErrInsufficientRow: a row holds less than what is to be taken from it.
	ErrInsufficientRow = errors.Register(ModuleName, 12, "vault row holds too little")
	// ErrCoinsInFlight: the coins were deposited in this very block and x/bank credits them at its end.
	ErrCoinsInFlight = errors.Register(ModuleName, 13, "coins were deposited in this block; withdraw in the next one")

	// ErrInvalidPool: the pool does not exist or is not paid by weight.
	ErrInvalidPool = errors.Register(ModuleName, 20, "invalid pool")
	// ErrInvalidWeight: a weight is negative or larger than MaxWeight.
	ErrInvalidWeight = errors.Register(ModuleName, 21, "invalid weight")
	// ErrRoundOrder: rounds must rise.
	ErrRoundOrder = errors.Register(ModuleName, 22, "round out of order")
	// ErrRoundUnknown: the round has not ended or its mark was pruned.
	ErrRoundUnknown = errors.Register(ModuleName, 23, "round has no mark")
	// ErrRoundConfirmed: the group's verdict on the round, or on a later one, has been applied already.
	ErrRoundConfirmed = errors.Register(ModuleName, 24, "round was confirmed already")
	// ErrPositionNotFound: the holder has no position in the stream.
	ErrPositionNotFound = errors.Register(ModuleName, 25, "stream position not found")
	// ErrPositionGroup: a holder can't change its group.
	ErrPositionGroup = errors.Register(ModuleName, 26, "stream position belongs to another group")

	// ErrInvalidLedger: a ledger does not exist or can't be claimed.
	ErrInvalidLedger = errors.Register(ModuleName, 30, "invalid ledger")
	// ErrNotBeneficiary: a Container's position credits somebody else.
	ErrNotBeneficiary = errors.Register(ModuleName, 31, "position of another beneficiary")
	// ErrTooMany: a message lists more than it may.
	ErrTooMany = errors.Register(ModuleName, 32, "too many entries")

	// ErrCapExceeded: more would be minted than the cap on cumulative minting allows.
	ErrCapExceeded = errors.Register(ModuleName, 40, "supply cap exceeded")

	// ErrUnknownSigner: no validator signs with the consensus key, nor did lately.
	ErrUnknownSigner = errors.Register(ModuleName, 60, "unknown signer of votes")
	// ErrNoPrice: there is no price of ATH, or it is too old to quote by.
	ErrNoPrice = errors.Register(ModuleName, 61, "no fresh price of ATH in USD")

	// ErrInvalidBeaconKey: not a point of edwards25519 of prime order in its one encoding.
	ErrInvalidBeaconKey = errors.Register(ModuleName, 70, "invalid beacon key")
	// ErrBeaconPossession: the proof of possession is not one of this key, operator and chain.
	ErrBeaconPossession = errors.Register(ModuleName, 71, "beacon key without proof of possession")
	// ErrBeaconKeyKnown: the validator registered this key already.
	ErrBeaconKeyKnown = errors.Register(ModuleName, 72, "beacon key is registered already")
	// ErrBeaconKeyTaken: another validator registered this key.
	ErrBeaconKeyTaken = errors.Register(ModuleName, 73, "beacon key belongs to another validator")
	// ErrBeaconKeyNotFound: the validator has no beacon key.
	ErrBeaconKeyNotFound = errors.Register(ModuleName, 74, "beacon key not found")
	// ErrNoValidator: the operator has no validator.
	ErrNoValidator = errors.Register(ModuleName, 75, "validator not found")
	// ErrInvalidBeacon: a beacon record contradicts itself.
	ErrInvalidBeacon = errors.Register(ModuleName, 76, "invalid beacon")

	// ErrExitOption: the parameters list no such early exit.
	ErrExitOption = errors.Register(ModuleName, 80, "no such early exit")
	// ErrNothingToExit: nothing vests for longer than the exit would take.
	ErrNothingToExit = errors.Register(ModuleName, 81, "nothing to exit")
	// ErrExitByOther: only the beneficiary may give up a part of its income.
	ErrExitByOther = errors.Register(ModuleName, 82, "early exit by somebody else")
	// ErrStake: what is paid can't be delegated.
	ErrStake = errors.Register(ModuleName, 83, "can't stake the income")

	// ErrSpend: governance can't spend this: no such source, another denom, or more than there is.
	ErrSpend = errors.Register(ModuleName, 90, "can't spend")

	// ErrHold: a hold exists already, does not exist, or has another amount.
	ErrHold = errors.Register(ModuleName, 100, "invalid hold")
)
