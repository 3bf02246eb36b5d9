// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
)

// registrationDomain separates a worker's consent to be registered from everything else that its key signs.
const registrationDomain = "ath/register/v1"

// ConsentGas is what the check of a worker's signature costs: what x/auth takes for an ed25519 key.
const ConsentGas = 590

// RegistrationSignBytes are what a worker signs to be registered by an owner: domain, chain-id, owner, class and fingerprint,
// each behind its length in four bytes. Without it whoever sees a registration before its block could register the machine
// for himself, and earn with what its worker answers. Vectors are in testdata/registration.json.
func RegistrationSignBytes(chainID, owner, class string, fingerprint []byte) []byte {
	var out []byte
	for _, part := range [][]byte{[]byte(registrationDomain), []byte(chainID), []byte(owner), []byte(class), fingerprint} {
		out = slices.Concat(binary.BigEndian.AppendUint32(out, uint32(len(part))), part)
	}
	return out
}

// CheckConsent says whether the worker has agreed to be registered by this owner on this chain.
func (n NewContainer) CheckConsent(chainID, owner string) error {
	if !ed25519.Verify(n.WorkerPubkey, RegistrationSignBytes(chainID, owner, n.Class, n.Fingerprint), n.WorkerSignature) {
		return ErrInvalidField.Wrapf("worker_signature: is not one of worker_pubkey over this chain, owner, class and fingerprint; "+
			"`ath-worker register` makes it for owner %s", owner)
	}
	return nil
}
