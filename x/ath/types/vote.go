// SPDX-License-Identifier: Apache-2.0

package types

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
