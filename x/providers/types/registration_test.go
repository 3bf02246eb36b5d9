// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/providers/types"
)

// vector is a worker's consent that another implementation must make alike.
type vector struct {
	Seed        string `json:"seed"` // of the ed25519 key, 32 bytes
	ChainID     string `json:"chain_id"`
	Owner       string `json:"owner"`
	Class       string `json:"class"`
	Fingerprint string `json:"fingerprint"`
	SignBytes   string `json:"sign_bytes"`
	Signature   string `json:"signature"`
}

func TestRegistrationVectors(t *testing.T) {
	file, err := os.ReadFile("testdata/registration.json")
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(file, &vectors))
	require.NotEmpty(t, vectors)
	raw := func(text string) []byte {
		bytes, err := hex.DecodeString(text)
		require.NoError(t, err)
		return bytes
	}
	for _, v := range vectors {
		key := ed25519.NewKeyFromSeed(raw(v.Seed))
		signed := types.RegistrationSignBytes(v.ChainID, v.Owner, v.Class, raw(v.Fingerprint))
		require.Equal(t, v.SignBytes, hex.EncodeToString(signed))
		require.Equal(t, v.Signature, hex.EncodeToString(ed25519.Sign(key, signed)))
		n := types.NewContainer{Class: v.Class, Fingerprint: raw(v.Fingerprint), WorkerPubkey: key.Public().(ed25519.PublicKey), WorkerSignature: raw(v.Signature)}
		require.NoError(t, n.CheckConsent(v.ChainID, v.Owner))
		require.ErrorIs(t, n.CheckConsent(v.ChainID+"x", v.Owner), types.ErrInvalidField)
		require.ErrorIs(t, n.CheckConsent(v.ChainID, v.Owner+"x"), types.ErrInvalidField)
	}
}
