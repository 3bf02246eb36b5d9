// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/errors"

// Codes are hashed into block results: append only, one decade per topic, never 0 or 1.
var (
	// ErrInvalidLeaseID: a lease id is not "tenant/number".
	ErrInvalidLeaseID = errors.Register(ModuleName, 2, "invalid lease id")

	// ErrLeaseNotFound: no lease was ever opened under the id.
	ErrLeaseNotFound = errors.Register(ModuleName, 10, "lease not found")
	// ErrLeaseClosed: the lease has ended; its receipt says how.
	ErrLeaseClosed = errors.Register(ModuleName, 11, "lease is closed")
	// ErrReasonNotAllowed: the signer can't close the lease for this reason now.
	ErrReasonNotAllowed = errors.Register(ModuleName, 12, "close reason not allowed")
	// ErrUnauthorized: the signer has no right to do this.
	ErrUnauthorized = errors.Register(ModuleName, 13, "unauthorized")
	// ErrNoMatch: no Container is free that fits.
	ErrNoMatch = errors.Register(ModuleName, 14, "no container fits")
	// ErrTooManyLeases: the account has as many open or unstarted leases as it may have.
	ErrTooManyLeases = errors.Register(ModuleName, 15, "too many leases")

	// ErrOfferNotFound: the Container has no standing price.
	ErrOfferNotFound = errors.Register(ModuleName, 20, "offer not found")
	// ErrInvalidOffer: a field of an offer is out of bounds.
	ErrInvalidOffer = errors.Register(ModuleName, 21, "invalid offer")
	// ErrContainerRetired: the Container is gone for good.
	ErrContainerRetired = errors.Register(ModuleName, 22, "container is retired")

	// ErrInsufficientDeposit: the free balance does not carry the lease.
	ErrInsufficientDeposit = errors.Register(ModuleName, 30, "insufficient deposit")
	// ErrForeignDenom: an amount is in another denom than uath.
	ErrForeignDenom = errors.Register(ModuleName, 31, "foreign denom")
	// ErrInvalidAmount: an amount is negative, zero or too large.
	ErrInvalidAmount = errors.Register(ModuleName, 32, "invalid amount")
	// ErrInsufficientFree: more was asked back than is free.
	ErrInsufficientFree = errors.Register(ModuleName, 33, "insufficient free balance")
	// ErrAccountExhausted: the balance is used up and the account's leases are about to be closed.
	ErrAccountExhausted = errors.Register(ModuleName, 34, "account is exhausted")

	// ErrInvalidQuote: a field or the signature of a quote is wrong.
	ErrInvalidQuote = errors.Register(ModuleName, 40, "invalid quote")
	// ErrQuoteExpired: a quote is too old, or dated too far ahead.
	ErrQuoteExpired = errors.Register(ModuleName, 41, "quote expired")
	// ErrQuoteUsed: a quote was used before.
	ErrQuoteUsed = errors.Register(ModuleName, 42, "quote already used")

	// ErrInvalidUsage: a field of a usage record is out of bounds.
	ErrInvalidUsage = errors.Register(ModuleName, 50, "invalid usage record")
	// ErrUsageSequence: a usage record does not follow the last one.
	ErrUsageSequence = errors.Register(ModuleName, 51, "usage record out of sequence")
	// ErrUsageSignature: a usage record is not signed by the Container's worker key.
	ErrUsageSignature = errors.Register(ModuleName, 52, "wrong signature of usage record")

	// ErrInvalidParams: a parameter is out of bounds.
	ErrInvalidParams = errors.Register(ModuleName, 60, "invalid parameters")
	// ErrInvalidGenesis: the genesis state contradicts itself.
	ErrInvalidGenesis = errors.Register(ModuleName, 61, "invalid genesis")
	// ErrInvariant: the state contradicts itself.
	ErrInvariant = errors.Register(ModuleName, 62, "invariant broken")

	// ErrInvalidProof: a proof of a receipt is malformed, or not true.
	ErrInvalidProof = errors.Register(ModuleName, 100, "invalid proof of receipt")
	// ErrInvalidStatement: a field of a worker's statement is out of bounds, or it is not of this end of the lease.
	ErrInvalidStatement = errors.Register(ModuleName, 101, "invalid worker statement")
	// ErrStatementSignature: a statement is not signed by the Container's worker key.
	ErrStatementSignature = errors.Register(ModuleName, 102, "wrong signature of worker statement")

	// ErrReclaim: notice can't be given to the lease.
	ErrReclaim = errors.Register(ModuleName, 120, "no notice")

	// ErrInvalidField: a field of a message is malformed or out of bounds.
	ErrInvalidField = errors.Register(ModuleName, 70, "invalid field")

	// ErrChannelNotFound: no channel was ever opened under the number, or it has ended.
	ErrChannelNotFound = errors.Register(ModuleName, 90, "channel not found")
	// ErrInvalidChannel: a field of a channel is out of bounds.
	ErrInvalidChannel = errors.Register(ModuleName, 91, "invalid channel")
	// ErrChannelEnded: the channel is closed or expired.
	ErrChannelEnded = errors.Register(ModuleName, 92, "channel has ended")
	// ErrInvalidVoucher: a field of a voucher is malformed.
	ErrInvalidVoucher = errors.Register(ModuleName, 93, "invalid voucher")
	// ErrVoucherSignature: a voucher is not signed by its channel's key.
	ErrVoucherSignature = errors.Register(ModuleName, 94, "wrong signature of voucher")

	// ErrTooManyDepositors: an account has as many depositors as it may have.
	ErrTooManyDepositors = errors.Register(ModuleName, 130, "too many depositors")
	// ErrDepositTooSmall: a deposit is not worth a place in somebody else's account.
	ErrDepositTooSmall = errors.Register(ModuleName, 131, "deposit too small")
	// ErrDepositorNotFound: the account holds nothing of this depositor's.
	ErrDepositorNotFound = errors.Register(ModuleName, 132, "depositor not found")
	// ErrGrantNotFound: there is no deposit grant between the two.
	ErrGrantNotFound = errors.Register(ModuleName, 133, "deposit grant not found")
	// ErrGrantExpired: the deposit grant may be used no longer.
	ErrGrantExpired = errors.Register(ModuleName, 134, "deposit grant expired")
	// ErrGrantLimit: less than was asked for is left of the deposit grant.
	ErrGrantLimit = errors.Register(ModuleName, 135, "limit of deposit grant")
	// ErrInvalidGrant: a field of a deposit grant is out of bounds.
	ErrInvalidGrant = errors.Register(ModuleName, 136, "invalid deposit grant")
	// ErrNoRefill: the deposit grant is without refills.
	ErrNoRefill = errors.Register(ModuleName, 137, "no refill")
	// ErrSubAccountNotFound: the address is no sub-account of the parent's.
	ErrSubAccountNotFound = errors.Register(ModuleName, 138, "sub-account not found")
	// ErrSubAccountLimit: more of the parent's money would be in the sub-account than may be.
	ErrSubAccountLimit = errors.Register(ModuleName, 139, "limit of sub-account")

	// ErrGatewayNotFound: the address is no gateway.
	ErrGatewayNotFound = errors.Register(ModuleName, 140, "gateway not found")
	// ErrInvalidGateway: a field of a gateway is out of bounds.
	ErrInvalidGateway = errors.Register(ModuleName, 141, "invalid gateway")
	// ErrGatewayRemoved: governance has removed the gateway.
	ErrGatewayRemoved = errors.Register(ModuleName, 142, "gateway was removed")
	// ErrGatewayLimit: the gateway has as many leases or customers, or carries as much, as governance allows.
	ErrGatewayLimit = errors.Register(ModuleName, 143, "limit of gateway")
	// ErrFloatTooSmall: a gateway's float does not cover its customers' leases for long enough.
	ErrFloatTooSmall = errors.Register(ModuleName, 144, "float too small")
	// ErrCreditNotFound: the gateway gives the customer no credit.
	ErrCreditNotFound = errors.Register(ModuleName, 145, "credit line not found")
	// ErrCreditEnded: the credit line has expired, or was revoked.
	ErrCreditEnded = errors.Register(ModuleName, 146, "credit line has ended")
	// ErrCreditLimit: less than was asked for is left of the credit line.
	ErrCreditLimit = errors.Register(ModuleName, 147, "limit of credit line")
	// ErrInvalidCredit: a field of a credit line is out of bounds.
	ErrInvalidCredit = errors.Register(ModuleName, 148, "invalid credit line")
)
