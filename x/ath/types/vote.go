// SPDX-License-Identifier: Apache-2.0

package types

import (
	cmtcrypto "github.com/cometbft/cometbft/proto/tendermint/crypto"
)

// consAddressSize is the length of a consensus address in bytes.
const consAddressSize = 20

// MaxVoteExtension is the most bytes of a vote extension: a price, a proof of 80 bytes and room for what later versions say.
// Extensions of all validators stand in every block, so that each byte is a hundred.
const MaxVoteExtension = 256

// SignerHeights is how long a signer is known after its key went out of use: a change of the validator set counts two
// heights after the block that makes it, and votes are read one height after they were cast.
const SignerHeights = 4

// Vote is what one validator's vote extension says, as decoded from the commit that a block carries.
type Vote struct {
	// Operator is the validator's operator address.
	Operator []byte
	// Power of the vote.
	Power int64
	// Price of an ATH in 10^-9 USD; 0 says nothing about it.
	Price uint64
	// BeaconProof of the validator's beacon key over BeaconAlpha; empty where it has none.
	BeaconProof []byte
}

// ReadVoteExtension decodes a vote extension. Bytes that are none, or too many, say nothing: a validator must not be able to
// stop a block with them, because CometBFT takes votes that come late without asking the application about them.
func ReadVoteExtension(bytes []byte) VoteExtension {
	var ext VoteExtension
	if len(bytes) > MaxVoteExtension || ext.Unmarshal(bytes) != nil {
		return VoteExtension{}
	}
	return ext
}

func validateSigners(signers []Signer) error {
	seen := make(map[string]bool, len(signers))
	for i, signer := range signers {
		var key cmtcrypto.PublicKey
		switch {
		case len(signer.ConsAddress) != consAddressSize:
			return ErrInvalidGenesis.Wrapf("signers[%d].cons_address has %d bytes; want %d", i, len(signer.ConsAddress), consAddressSize)
		case key.Unmarshal(signer.PubKey) != nil || key.Sum == nil:
			return ErrInvalidGenesis.Wrapf("signers[%d].pub_key is no public key", i)
		case signer.Until < 0:
			return ErrInvalidGenesis.Wrapf("signers[%d].until is %d; it can't be negative", i, signer.Until)
		case seen[string(signer.ConsAddress)]:
			return ErrInvalidGenesis.Wrapf("signers[%d]: %X is listed twice", i, signer.ConsAddress)
		}
		seen[string(signer.ConsAddress)] = true
	}
	return nil
}
