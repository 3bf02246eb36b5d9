// SPDX-License-Identifier: Apache-2.0

package access

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

// What a token allows.
const (
	// ScopeManifest allows to hand in a manifest for a lease of the tenant.
	ScopeManifest = "manifest"
	// ScopeStatus allows to read the state of the tenant's leases.
	ScopeStatus = "status"
	// ScopeLogs allows to read the output of the tenant's workloads.
	ScopeLogs = "logs"
	// ScopeExec allows to run commands in the tenant's workloads.
	ScopeExec = "exec"
	// ScopeForward allows to connect to ports inside the tenant's workloads.
	ScopeForward = "forward"
	// ScopeFiles allows to read and write files of the tenant's workloads.
	ScopeFiles = "files"
	// ScopeNames allows to hand in certificates for host names of the tenant's workloads.
	ScopeNames = "names"
	// ScopeMetrics allows to read what the tenant's workloads use.
	ScopeMetrics = "metrics"
)

const (
	// Scheme is the authentication scheme of the Authorization header.
	Scheme = "ATH"
	// MaxLifetime bounds a token's life: a stolen one must not be worth keeping.
	MaxLifetime = 24 * time.Hour
	// MaxHeader bounds the header: what is longer is not looked at.
	MaxHeader = 4096
	// Skew is how far ahead of the worker's clock a tenant's may be.
	Skew = time.Minute
)

// Every reason for which a token is refused; all match ErrToken.
var (
	ErrToken     = errors.New("token")
	ErrMalformed = fmt.Errorf("%w is malformed", ErrToken)
	ErrExpired   = fmt.Errorf("%w is expired or not yet valid", ErrToken)
	ErrAudience  = fmt.Errorf("%w is for another chain or worker", ErrToken)
	ErrSignature = fmt.Errorf("%w is not signed by its tenant", ErrToken)
	ErrScope     = fmt.Errorf("%w does not allow this", ErrToken)
)

// Claims say who may do what, at which worker, until when. Times are unix seconds.
type Claims struct {
	ChainID   string   `json:"chain_id"`
	Tenant    string   `json:"tenant"`
	Worker    string   `json:"worker"` // hex of the worker key
	Scopes    []string `json:"scopes"`
	IssuedAt  int64    `json:"issued_at"`
	ExpiresAt int64    `json:"expires_at"`
}

// NewClaims fills in claims for one worker key (32 bytes).
func NewClaims(chainID, tenant string, workerKey []byte, now time.Time, life time.Duration, scopes ...string) Claims {
	return Claims{
		ChainID: chainID, Tenant: tenant, Worker: hex.EncodeToString(workerKey), Scopes: scopes,
		IssuedAt: now.Unix(), ExpiresAt: now.Add(life).Unix(),
	}
}

// Allows returns ErrScope unless the claims hold the scope.
func (c Claims) Allows(scope string) error {
	if !slices.Contains(c.Scopes, scope) {
		return fmt.Errorf("%w: scope %q is missing", ErrScope, scope)
	}
	return nil
}

// SignFunc signs a document with a wallet's secp256k1 key and returns the signature (r||s, 64 bytes) and the compressed
// public key (33 bytes): the order in which a keyring answers.
type SignFunc func(doc []byte) (signature, pubkey []byte, err error)

// Mint returns the value of an Authorization header.
func Mint(claims Claims, sign SignFunc) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	doc, err := signDoc(claims.Tenant, body)
	if err != nil {
		return "", err
	}
	signature, pubkey, err := sign(doc)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	enc := base64.RawURLEncoding
	return Scheme + " " + enc.EncodeToString(body) + "." + enc.EncodeToString(pubkey) + "." + enc.EncodeToString(signature), nil
}

// Verify returns the claims of an Authorization header that is valid now, on this chain, for this worker key.
func Verify(header string, now time.Time, chainID string, workerKey []byte) (Claims, error) {
	body, pubkey, signature, err := split(header)
	if err != nil {
		return Claims{}, err
	}
	claims, err := decodeClaims(body)
	if err != nil {
		return Claims{}, err
	}
	if claims.ChainID != chainID || claims.Worker != hex.EncodeToString(workerKey) {
		return Claims{}, fmt.Errorf("%w: it names %q and worker %s", ErrAudience, claims.ChainID, claims.Worker)
	}
	if err := claims.validAt(now); err != nil {
		return Claims{}, err
	}
	if len(pubkey) != secp256k1.PubKeySize || len(signature) != 64 {
		return Claims{}, fmt.Errorf("%w: public key or signature has a wrong length", ErrMalformed)
	}
	key := secp256k1.PubKey{Key: pubkey}
	if sdk.AccAddress(key.Address()).String() != claims.Tenant {
		return Claims{}, fmt.Errorf("%w: public key is not that of %s", ErrSignature, claims.Tenant)
	}
	doc, err := signDoc(claims.Tenant, body)
	if err != nil {
		return Claims{}, err
	}
	if !key.VerifySignature(doc, signature) {
		return Claims{}, ErrSignature
	}
	return claims, nil
}

func (c Claims) validAt(now time.Time) error {
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.ExpiresAt, 0)
	switch {
	case c.IssuedAt < 0 || c.ExpiresAt <= c.IssuedAt || // not negative: the difference can't overflow
		c.ExpiresAt-c.IssuedAt > int64(MaxLifetime/time.Second):
		return fmt.Errorf("%w: it may live for at most %s", ErrExpired, MaxLifetime)
	case issued.After(now.Add(Skew)):
		return fmt.Errorf("%w: issued %s from now; compare the clocks", ErrExpired, issued.Sub(now).Round(time.Second))
	case !now.Before(expires):
		return fmt.Errorf("%w: since %s", ErrExpired, now.Sub(expires).Round(time.Second))
	}
	return nil
}

func split(header string) (body, pubkey, signature []byte, err error) {
	if len(header) > MaxHeader {
		return nil, nil, nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxHeader)
	}
	scheme, token, ok := strings.Cut(header, " ")
	parts := strings.Split(token, ".")
	if !ok || !strings.EqualFold(scheme, Scheme) || len(parts) != 3 {
		return nil, nil, nil, fmt.Errorf("%w: want %q", ErrMalformed, Scheme+" claims.pubkey.signature")
	}
	var out [3][]byte
	for i, part := range parts {
		if out[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, nil, nil, fmt.Errorf("%w: part %d: %w", ErrMalformed, i+1, err)
		}
	}
	return out[0], out[1], out[2], nil
}

func decodeClaims(body []byte) (Claims, error) {
	var claims Claims
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&claims); err != nil {
		return Claims{}, fmt.Errorf("%w: claims: %w", ErrMalformed, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Claims{}, fmt.Errorf("%w: claims: data after the object", ErrMalformed)
	}
	return claims, nil
}

// signDoc is the ADR-36 amino document over data: the bytes a wallet shows and signs. Fields are in the order that the amino
// form sorts them into.
func signDoc(signer string, data []byte) ([]byte, error) {
	type value struct {
		Data   []byte `json:"data"`
		Signer string `json:"signer"`
	}
	type msg struct {
		Type  string `json:"type"`
		Value value  `json:"value"`
	}
	type fee struct {
		Amount []string `json:"amount"`
		Gas    string   `json:"gas"`
	}
	doc, err := json.Marshal(struct {
		AccountNumber string `json:"account_number"`
		ChainID       string `json:"chain_id"`
		Fee           fee    `json:"fee"`
		Memo          string `json:"memo"`
		Msgs          []msg  `json:"msgs"`
		Sequence      string `json:"sequence"`
	}{
		AccountNumber: "0", Fee: fee{Amount: []string{}, Gas: "0"}, Sequence: "0",
		Msgs: []msg{{Type: "sign/MsgSignData", Value: value{Data: data, Signer: signer}}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode sign document: %w", err)
	}
	return doc, nil
}
