// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

var update = flag.Bool("update", false, "rewrite the vectors in testdata")

func TestMain(m *testing.M) {
	athtypes.SetPrefixes()
	os.Exit(m.Run())
}

var (
	now       = time.Unix(1_800_000_000, 0)
	wallet    = &secp256k1.PrivKey{Key: bytes.Repeat([]byte{7}, 32)}
	workerKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)).Public().(ed25519.PublicKey)
)

func address(k *secp256k1.PrivKey) string { return sdk.AccAddress(k.PubKey().Address()).String() }

func signWith(k *secp256k1.PrivKey) SignFunc {
	return func(doc []byte) ([]byte, []byte, error) {
		sig, err := k.Sign(doc)
		return sig, k.PubKey().Bytes(), err
	}
}

func mint(t testing.TB, c Claims, k *secp256k1.PrivKey) string {
	t.Helper()
	header, err := Mint(c, signWith(k))
	require.NoError(t, err)
	return header
}

func TestVerify(t *testing.T) {
	good := NewClaims("ath-test", address(wallet), workerKey, now, time.Hour, ScopeLogs, ScopeStatus)
	with := func(change func(*Claims)) Claims {
		c := good
		change(&c)
		return c
	}
	stranger := &secp256k1.PrivKey{Key: bytes.Repeat([]byte{8}, 32)}
	tampered := strings.Split(mint(t, good, wallet), ".")
	other := strings.Split(mint(t, with(func(c *Claims) { c.Scopes = []string{ScopeManifest} }), wallet), ".")
	for _, tc := range []struct {
		name   string
		header string
		at     time.Time
		want   error
	}{
		{"success", mint(t, good, wallet), now, nil},
		{"success - clock of the tenant slightly ahead", mint(t, good, wallet), now.Add(-30 * time.Second), nil},
		{"error - empty", "", now, ErrMalformed},
		{"error - other scheme", "Bearer " + mint(t, good, wallet)[4:], now, ErrMalformed},
		{"error - too long", "ATH " + strings.Repeat("a", MaxHeader), now, ErrMalformed},
		{"error - two parts", "ATH a.b", now, ErrMalformed},
		{"error - not base64", "ATH !.!.!", now, ErrMalformed},
		{"error - expired", mint(t, good, wallet), now.Add(time.Hour), ErrExpired},
		{"error - from the future", mint(t, good, wallet), now.Add(-2 * time.Minute), ErrExpired},
		{"error - lives too long", mint(t, with(func(c *Claims) { c.ExpiresAt += 86400 }), wallet), now, ErrExpired},
		{"error - life overflows", mint(t, with(func(c *Claims) { c.IssuedAt = -1 << 62; c.ExpiresAt = 1 << 62 }), wallet), now, ErrExpired},
		{"error - other chain", mint(t, with(func(c *Claims) { c.ChainID = "x" }), wallet), now, ErrAudience},
		{"error - other worker", mint(t, with(func(c *Claims) { c.Worker = strings.Repeat("00", 32) }), wallet), now, ErrAudience},
		{"error - another's key", mint(t, good, stranger), now, ErrSignature},
		{"error - claims of another token", other[0] + "." + tampered[1] + "." + tampered[2], now, ErrSignature},
		{"error - short signature", tampered[0] + "." + tampered[1] + ".AAAA", now, ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			claims, err := Verify(tc.header, tc.at, "ath-test", workerKey)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
				require.ErrorIs(t, err, ErrToken)
				return
			}
			require.NoError(t, err)
			require.Equal(t, good, claims)
			require.NoError(t, claims.Allows(ScopeLogs))
			require.ErrorIs(t, claims.Allows(ScopeManifest), ErrScope)
		})
	}
}

// vector is one token with all that a second implementation needs to reproduce it.
type vector struct {
	WalletKey string `json:"wallet_key"`
	Claims    Claims `json:"claims"`
	SignDoc   string `json:"sign_doc"`
	Header    string `json:"header"`
}

func TestVectors(t *testing.T) {
	const path = "testdata/tokens.json"
	if *update {
		c := NewClaims("ath-test", address(wallet), workerKey, now, time.Hour, ScopeManifest, ScopeStatus, ScopeLogs)
		body, err := json.Marshal(c)
		require.NoError(t, err)
		doc, err := signDoc(c.Tenant, body)
		require.NoError(t, err)
		out, err := json.MarshalIndent([]vector{{hex.EncodeToString(wallet.Key), c, string(doc), mint(t, c, wallet)}}, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(out, '\n'), 0o644))
	}
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var vectors []vector
	require.NoError(t, json.Unmarshal(raw, &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		key, err := hex.DecodeString(v.WalletKey)
		require.NoError(t, err)
		header, err := Mint(v.Claims, func(doc []byte) ([]byte, []byte, error) {
			require.Equal(t, v.SignDoc, string(doc))
			return signWith(&secp256k1.PrivKey{Key: key})(doc)
		})
		require.NoError(t, err)
		require.Equal(t, v.Header, header)
		claims, err := Verify(v.Header, time.Unix(v.Claims.IssuedAt, 0), v.Claims.ChainID, workerKey)
		require.NoError(t, err)
		require.Equal(t, v.Claims, claims)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(mint(f, NewClaims("ath-test", address(wallet), workerKey, now, time.Hour, ScopeLogs), wallet))
	f.Add("ATH e30.AA.AA")
	f.Add("ATH ..")
	f.Fuzz(func(t *testing.T, header string) {
		claims, err := Verify(header, now, "ath-test", workerKey)
		if err != nil {
			require.ErrorIs(t, err, ErrToken)
			return
		}
		require.Equal(t, address(wallet), claims.Tenant, "only the wallet's own tokens verify")
	})
}
