// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"time"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// quoteDomain separates quotes from everything else that an Indexer's account signs.
	quoteDomain = "ath/quote/v1"
	// MaxQuoteAge is how far ahead a quote may expire: its nonce is kept until then.
	MaxQuoteAge = 60 * time.Second
	// MaxCandidates bounds candidates of a lease; each costs a few reads. A gang of n may have 2n.
	MaxCandidates = 64
	// MaxQuoted bounds candidates of a quote: those of the largest gang.
	MaxQuoted = 2 * MaxGang
)

// SignBytes returns the 32 bytes that the Indexer signs: a SHA-256 over the domain, the chain-id, the tenant and every field
// but key and signature. (The SDK's secp256k1 keys hash them once more.)
func (q Quote) SignBytes(chainID, tenant string) []byte {
	h := newHasher(quoteDomain)
	h.bytes([]byte(chainID))
	h.bytes([]byte(tenant))
	h.bytes([]byte(q.Indexer))
	h.number(uint64(len(q.Candidates)))
	for _, id := range q.Candidates {
		h.number(id)
	}
	h.number(uint64(len(q.Rates)))
	for _, rate := range q.Rates {
		h.bytes([]byte(rate.String()))
	}
	h.number(q.Nonce)
	h.number(uint64(q.ExpiresAt.UnixNano()))
	h.bytes(q.RequirementHash)
	h.bytes([]byte(q.Denom()))
	return h.sum()
}

// Validate checks what can be checked without state.
func (q Quote) Validate() error {
	if len(q.Candidates) == 0 || len(q.Candidates) > MaxQuoted {
		return ErrInvalidQuote.Wrapf("quote.candidates: %d: want 1 to %d", len(q.Candidates), MaxQuoted)
	}
	if len(q.Rates) != len(q.Candidates) {
		return ErrInvalidQuote.Wrapf("quote.rates: %d for %d candidates: want one each", len(q.Rates), len(q.Candidates))
	}
	if err := validatePriceDenom(q.PriceDenom); err != nil {
		return ErrInvalidQuote.Wrapf("quote.%v", err)
	}
	for i, rate := range q.Rates {
		if err := validateRate("rate", rate); err != nil {
			return ErrInvalidQuote.Wrapf("quote.rates[%d]: %v", i, err)
		}
	}
	if !validTime(q.ExpiresAt) {
		return ErrInvalidQuote.Wrapf("quote.expires_at: %s: want a time from 1970 to 2261", q.ExpiresAt)
	}
	if len(q.RequirementHash) != sha256.Size {
		return ErrInvalidQuote.Wrapf("quote.requirement_hash: %d bytes: want %d", len(q.RequirementHash), sha256.Size)
	}
	if len(q.Pubkey) != secp256k1.PubKeySize {
		return ErrInvalidQuote.Wrapf("quote.pubkey: %d bytes: want a compressed secp256k1 key of %d", len(q.Pubkey), secp256k1.PubKeySize)
	}
	if len(q.Signature) != 64 {
		return ErrInvalidQuote.Wrapf("quote.signature: %d bytes: want 64", len(q.Signature))
	}
	return nil
}

// Verify checks who signed a valid quote, for whom, for what and until when.
func (q Quote) Verify(chainID, tenant string, requirement Requirement, now time.Time) (sdk.AccAddress, error) {
	indexer, err := sdk.AccAddressFromBech32(q.Indexer)
	if err != nil {
		return nil, ErrInvalidQuote.Wrapf("quote.indexer: %v", err)
	}
	if !q.ExpiresAt.After(now) {
		return nil, ErrQuoteExpired.Wrapf("quote.expires_at: %s is past at block time %s: ask the indexer again", q.ExpiresAt, now)
	}
	if q.ExpiresAt.After(now.Add(MaxQuoteAge)) {
		return nil, ErrQuoteExpired.Wrapf("quote.expires_at: %s is more than %s after block time %s", q.ExpiresAt, MaxQuoteAge, now)
	}
	if string(q.RequirementHash) != string(requirement.Hash()) {
		return nil, ErrInvalidQuote.Wrap("quote.requirement_hash: want the hash of this message's requirement")
	}
	key := secp256k1.PubKey{Key: q.Pubkey}
	if !indexer.Equals(sdk.AccAddress(key.Address())) {
		return nil, ErrInvalidQuote.Wrapf("quote.pubkey: is not the key of indexer %s", q.Indexer)
	}
	if !key.VerifySignature(q.SignBytes(chainID, tenant), q.Signature) {
		return nil, ErrInvalidQuote.Wrapf("quote.signature: is not %s's over this quote for tenant %s on chain %q", q.Indexer, tenant, chainID)
	}
	return indexer, nil
}

// Denom is that of the quoted prices.
func (q Quote) Denom() string { return PriceDenom(q.PriceDenom) }

// Counts says whether the quote led to the offer that won: a candidate at no more than its quoted price.
func (q Quote) Counts(o Offer) bool {
	for i, id := range q.Candidates {
		if id == o.ContainerId && o.Denom == q.Denom() && o.Rate.LTE(q.Rates[i]) {
			return true
		}
	}
	return false
}
