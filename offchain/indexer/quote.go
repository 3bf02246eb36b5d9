// SPDX-License-Identifier: Apache-2.0

package indexer

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/indexer/market"
	leasetypes "github.com/athnet/ath/x/leases/types"
)

// quoteLife is how long a quote holds from the block of the answer: well within leasetypes.MaxQuoteAge, so that a node whose block is
// a little older takes it too.
const quoteLife = 45 * time.Second

// quote signs an answer for a tenant. Its time is block time: the chain judges by nothing else.
func quote(key chain.Signer, chainID string, q market.Query, a market.Answer) (*leasetypes.Quote, error) {
	var nonce [8]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, fmt.Errorf("quote: %w", err)
	}
	out := &leasetypes.Quote{
		Indexer: key.Address(), Nonce: binary.BigEndian.Uint64(nonce[:]), ExpiresAt: a.Now.Add(quoteLife),
		RequirementHash: q.Requirement.Hash(), PriceDenom: q.Denom, Pubkey: key.PubKey().Bytes(),
	}
	for _, c := range a.Candidates {
		out.Candidates = append(out.Candidates, c.Container.Id)
		out.Rates = append(out.Rates, c.Terms.Rate)
	}
	sig, err := key.Sign(out.SignBytes(chainID, q.Tenant))
	if err != nil {
		return nil, fmt.Errorf("quote: %w", err)
	}
	out.Signature = sig
	return out, nil
}
