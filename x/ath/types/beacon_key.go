// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"fmt"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"
)

const (
	// BeaconKeySize is the length of a public beacon key in bytes.
	BeaconKeySize = 32
	// BeaconSeedSize is the length of the secret from which a beacon key is made, in bytes.
	BeaconSeedSize = 32
	// BeaconProofSize is the length of a proof in bytes.
	BeaconProofSize = ecvrf.ProofSize
	// BeaconKeyDelay is how many changes of epoch lie between registering a key and using it: one whole epoch. So nobody can
	// choose a key when it already knows what the others will contribute to the heights in which the key counts.
	BeaconKeyDelay = 2
)

// BeaconSecret is a validator's secret beacon key.
type BeaconSecret struct{ key ed25519.PrivateKey }

// NewBeaconSecret makes the key of a seed.
func NewBeaconSecret(seed []byte) (BeaconSecret, error) {
	if len(seed) != BeaconSeedSize {
		return BeaconSecret{}, ErrInvalidBeaconKey.Wrapf("seed has %d bytes; %d", len(seed), BeaconSeedSize)
	}
	return BeaconSecret{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public returns the key to be registered.
func (s BeaconSecret) Public() []byte { return bytes.Clone(s.key[BeaconSeedSize:]) }

// Prove proves the VRF over alpha: ECVRF-EDWARDS25519-SHA512-ELL2 of RFC 9381.
func (s BeaconSecret) Prove(alpha []byte) []byte { return ecvrf.Prove(s.key, alpha) }

// ProvePossession proves to a chain that the operator has this key.
func (s BeaconSecret) ProvePossession(chainID string, operator []byte) []byte {
	return s.Prove(possessionAlpha(chainID, operator))
}

// VerifyBeaconProof returns the VRF's output, 64 bytes, if the proof is one of this key over alpha.
func VerifyBeaconProof(pubkey, alpha, proof []byte) (output []byte, ok bool) {
	if len(pubkey) != BeaconKeySize || len(proof) != BeaconProofSize {
		return nil, false
	}
	ok, output = ecvrf.Verify(pubkey, proof, alpha)
	return output, ok
}

// VerifyPossession says whether the operator has the key.
func VerifyPossession(chainID string, operator, pubkey, proof []byte) bool {
	_, ok := VerifyBeaconProof(pubkey, possessionAlpha(chainID, operator), proof)
	return ok
}

// ValidateBeaconKey accepts points of prime order in their one encoding. A point of small order would have outputs that its
// owner can choose among, and the same point in two encodings two outputs per height.
func ValidateBeaconKey(pubkey []byte) error {
	if len(pubkey) != BeaconKeySize {
		return ErrInvalidBeaconKey.Wrapf("%d bytes; %d", len(pubkey), BeaconKeySize)
	}
	var encoded curve.CompressedEdwardsY
	if _, err := encoded.SetBytes(pubkey); err != nil {
		return ErrInvalidBeaconKey.Wrap(err.Error())
	}
	var point curve.EdwardsPoint
	if _, err := point.SetCompressedY(&encoded); err != nil || !encoded.IsCanonicalVartime() {
		return ErrInvalidBeaconKey.Wrapf("%X is no point of edwards25519", pubkey)
	}
	if point.IsSmallOrder() || !point.IsTorsionFree() {
		return ErrInvalidBeaconKey.Wrapf("%X is not of prime order", pubkey)
	}
	return nil
}

// InUse returns the key that counts in an epoch; empty where none does.
func (k BeaconKey) InUse(epoch uint64) []byte {
	if len(k.Next) > 0 && epoch >= k.FromEpoch {
		return k.Next
	}
	return k.Current
}

// Register returns what is registered after a new key was in an epoch: the key in use stays until the new one counts. A key
// that waited for its turn is forgotten; the key in use itself cancels a change.
func (k BeaconKey) Register(pubkey []byte, epoch uint64) (BeaconKey, error) {
	if bytes.Equal(pubkey, k.Next) && epoch < k.FromEpoch {
		return k, ErrBeaconKeyKnown.Wrapf("it counts from epoch %d on", k.FromEpoch)
	}
	next := BeaconKey{Operator: k.Operator, Current: k.InUse(epoch)}
	if !bytes.Equal(pubkey, next.Current) {
		next.Next, next.FromEpoch = pubkey, epoch+BeaconKeyDelay
		return next, nil
	}
	if len(k.Next) == 0 || epoch >= k.FromEpoch {
		return k, ErrBeaconKeyKnown.Wrap("it is in use")
	}
	return next, nil
}

// Keys returns the one or two keys that are registered.
func (k BeaconKey) Keys() (keys [][]byte) {
	for _, key := range [][]byte{k.Current, k.Next} {
		if len(key) > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Validate checks what needs no state.
func (k BeaconKey) Validate() error {
	keys := k.Keys()
	if len(keys) == 0 {
		return ErrInvalidBeaconKey.Wrap("neither current nor next")
	}
	for _, key := range keys {
		if err := ValidateBeaconKey(key); err != nil {
			return err
		}
	}
	if (len(k.Next) == 0) != (k.FromEpoch == 0) {
		return ErrInvalidBeaconKey.Wrapf("from_epoch is %d, next has %d bytes", k.FromEpoch, len(k.Next))
	}
	if bytes.Equal(k.Current, k.Next) {
		return ErrInvalidBeaconKey.Wrap("current and next are the same")
	}
	return nil
}

// Validate checks what needs neither state nor chain-id.
func (m *MsgSetBeaconKey) Validate() error {
	if len(m.Pubkey) == 0 && len(m.Possession) == 0 {
		return nil // removes the key
	}
	if len(m.Possession) != BeaconProofSize {
		return ErrBeaconPossession.Wrapf("possession has %d bytes; %d", len(m.Possession), BeaconProofSize)
	}
	return ValidateBeaconKey(m.Pubkey)
}

// validateBeacons checks the beacon's part of a genesis state.
func (g GenesisState) validateBeacons() error {
	if len(g.Beacon) != 0 && len(g.Beacon) != BeaconSize {
		return ErrInvalidGenesis.Wrapf("beacon has %d bytes; 0 or %d", len(g.Beacon), BeaconSize)
	}
	if len(g.Beacons) > BeaconsKept {
		return ErrInvalidGenesis.Wrapf("beacons has %d entries; at most %d", len(g.Beacons), BeaconsKept)
	}
	slots := make(map[uint64]bool, len(g.Beacons))
	for i, record := range g.Beacons {
		if err := record.Validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("beacons[%d]: %s", i, err)
		}
		if slot := BeaconSlot(record.Height); slots[slot] || i > 0 && record.Height <= g.Beacons[i-1].Height {
			return ErrInvalidGenesis.Wrapf("beacons[%d]: height %d is out of order or shares its place", i, record.Height)
		} else {
			slots[slot] = true
		}
	}
	if n := len(g.Beacons); n > 0 && !bytes.Equal(g.Beacons[n-1].Value, g.Beacon) {
		return ErrInvalidGenesis.Wrap("beacon is not the last one of beacons")
	}
	operators, keys := make(map[string]bool, len(g.BeaconKeys)), make(map[string]bool, len(g.BeaconKeys))
	for i, key := range g.BeaconKeys {
		if err := key.Validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("beacon_keys[%d]: %s", i, err)
		}
		if key.FromEpoch > max(g.Epoch.Number, 1)+BeaconKeyDelay {
			return ErrInvalidGenesis.Wrapf("beacon_keys[%d]: from_epoch is %d, epoch %d runs", i, key.FromEpoch, g.Epoch.Number)
		}
		if operators[key.Operator] {
			return ErrInvalidGenesis.Wrapf("beacon_keys[%d]: %s is listed twice", i, key.Operator)
		}
		operators[key.Operator] = true
		for _, one := range key.Keys() {
			if keys[string(one)] {
				return ErrInvalidGenesis.Wrapf("beacon_keys[%d]: %s is another validator's too", i, fmt.Sprintf("%X", one))
			}
			keys[string(one)] = true
		}
	}
	return nil
}
