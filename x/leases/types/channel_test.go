// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/big"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the vectors in testdata")

// vector is a voucher as another implementation has to sign it.
type vector struct {
	ChainID   string `json:"chain_id"`
	Tenant    string `json:"tenant"`
	Number    uint64 `json:"number,string"`
	Amount    uint64 `json:"amount,string"`
	Seed      string `json:"seed"`
	PublicKey string `json:"public_key"`
	SignBytes string `json:"sign_bytes"`
	Signature string `json:"signature"`
	Wire      string `json:"wire"`
}

// TestVoucherVectors: what is signed, and its wire form, never change.
func TestVoucherVectors(t *testing.T) {
	const file = "testdata/voucher.json"
	const tenant = "ath1qgpqyqszqgpqyqszqgpqyqszqgpqyqszy2cj8c" // shown as text: what is signed is the text
	var want, got []vector
	for i, v := range []vector{
		{ChainID: "ath-1", Number: 1, Amount: 1}, {ChainID: "ath-1", Number: 2, Amount: 1}, {ChainID: "ath-1", Number: 1, Amount: 1 << 53},
		{ChainID: "ath-localnet-1", Number: 1<<64 - 1, Amount: 1<<64 - 1}, {ChainID: "", Number: 7, Amount: 5_000_000},
	} {
		seed := bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize)
		key := ed25519.NewKeyFromSeed(seed)
		voucher := Voucher{Tenant: tenant, Number: v.Number, Amount: v.Amount}
		sign := voucher.SignBytes(v.ChainID)
		voucher.Signature = ed25519.Sign(key, sign)
		require.NoError(t, voucher.Verify(v.ChainID, key.Public().(ed25519.PublicKey)))
		wire, err := voucher.Marshal()
		require.NoError(t, err)
		v.Tenant, v.Seed, v.PublicKey = tenant, hex.EncodeToString(seed), hex.EncodeToString(key.Public().(ed25519.PublicKey))
		v.SignBytes, v.Signature, v.Wire = hex.EncodeToString(sign), hex.EncodeToString(voucher.Signature), hex.EncodeToString(wire)
		got = append(got, v)
	}
	if *update {
		bz, err := json.MarshalIndent(got, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(bz, '\n'), 0o600))
	}
	bz, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(bz, &want))
	require.Equal(t, want, got)
}

// TestVoucherSignsEveryField: no field, chain or key can be another's.
func TestVoucherSignsEveryField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := ed25519.NewKeyFromSeed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		public := key.Public().(ed25519.PublicKey)
		v := Voucher{Tenant: someTenant, Number: rapid.Uint64Min(1).Draw(t, "number"), Amount: rapid.Uint64Min(1).Draw(t, "amount")}
		v.Signature = ed25519.Sign(key, v.SignBytes("ath-1"))
		require.NoError(t, v.Verify("ath-1", public))
		require.ErrorIs(t, v.Verify("ath-11", public), ErrVoucherSignature)
		require.ErrorIs(t, v.Verify("ath-1", ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)[:31]), ErrVoucherSignature)
		for _, change := range []func(*Voucher){
			func(v *Voucher) { v.Number++ }, func(v *Voucher) { v.Amount++ }, func(v *Voucher) { v.Tenant += "x" },
			func(v *Voucher) {
				v.Signature = slices.Clone(v.Signature)
				v.Signature[rapid.IntRange(0, 63).Draw(t, "byte")] ^= 1
			},
			func(v *Voucher) { v.Signature = v.Signature[:63] },
		} {
			other := v
			change(&other)
			require.ErrorIs(t, other.Verify("ath-1", public), ErrVoucherSignature)
		}
	})
}

// TestVouchersFollowZIP215: the rules that count are those that are written down, not those of a library. Of signatures and keys that are
// points of small order ZIP-215 takes all 196 encodings, also where crypto/ed25519 refuses them; an S of the group order or above counts
// nowhere.
func TestVouchersFollowZIP215(t *testing.T) {
	v := Voucher{Tenant: someTenant, Number: 1, Amount: 1}
	identity := append([]byte{1}, make([]byte, 31)...)
	order2 := slices.Concat([]byte{0xec}, bytes.Repeat([]byte{0xff}, 30), []byte{0x7f})
	zero := make([]byte, 32)
	for _, a := range [][]byte{identity, order2, zero} {
		for _, r := range [][]byte{identity, order2, zero} {
			v.Signature = slices.Concat(r, make([]byte, 32))
			require.NoError(t, v.Verify("ath-1", a))
		}
	}
	v.Signature = slices.Concat(zero, make([]byte, 32)) // R of order 4
	require.False(t, ed25519.Verify(identity, v.SignBytes("ath-1"), v.Signature), "else the test shows nothing")

	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	v.Signature = ed25519.Sign(key, v.SignBytes("ath-1"))
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	reversed := slices.Clone(v.Signature[32:])
	slices.Reverse(reversed)
	s := new(big.Int).Add(new(big.Int).SetBytes(reversed), order).FillBytes(make([]byte, 32))
	slices.Reverse(s)
	v.Signature = slices.Concat(v.Signature[:32], s)
	require.ErrorIs(t, v.Verify("ath-1", key.Public().(ed25519.PublicKey)), ErrVoucherSignature)
}

func FuzzVoucher(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	good := Voucher{Tenant: someTenant, Number: 1, Amount: 5}
	good.Signature = ed25519.Sign(key, good.SignBytes("ath-1"))
	bz, err := good.Marshal()
	require.NoError(f, err)
	f.Add(bz)
	f.Fuzz(func(t *testing.T, bz []byte) {
		var v Voucher
		if v.Unmarshal(bz) != nil || v.Validate() != nil {
			return
		}
		require.Len(t, v.SignBytes("ath-1"), 32)
		require.NotEqual(t, v.SignBytes("ath-1"), v.SignBytes("ath-2"))
		again, err := v.Marshal()
		require.NoError(t, err)
		var copied Voucher
		require.NoError(t, copied.Unmarshal(again))
		require.Equal(t, v, copied)
		if v.Verify("ath-1", key.Public().(ed25519.PublicKey)) == nil {
			require.Equal(t, [3]any{good.Tenant, good.Number, good.Amount}, [3]any{v.Tenant, v.Number, v.Amount}, "nobody else signed anything")
		}
	})
}

// TestChannelParams: each bound holds.
func TestChannelParams(t *testing.T) {
	for want, change := range map[string]func(*Params){
		"channel_challenge: 59m59s": func(p *Params) { p.ChannelChallenge = time.Hour - time.Second },
		"channel_challenge: 720h0m": func(p *Params) { p.ChannelChallenge = MaxChallenge + 1 },
		"max_channel_term: 0s":      func(p *Params) { p.MaxChannelTerm = 0 },
		"max_channel_term: 8784h":   func(p *Params) { p.MaxChannelTerm = MaxChannelTerm + 1 },
		"min_channel_cap: 0":        func(p *Params) { p.MinChannelCap = 0 },
		"min_channel_cap: 10000000": func(p *Params) { p.MinChannelCap = MaxMinChannelCap + 1 },
		"max_vouchers: 0":           func(p *Params) { p.MaxVouchers = 0 },
		"max_vouchers: 10001":       func(p *Params) { p.MaxVouchers = MaxVouchers + 1 },
		"voucher_gas: 499":          func(p *Params) { p.VoucherGas = 499 },
		"voucher_gas: 100001":       func(p *Params) { p.VoucherGas = 100_001 },
		"ends_per_block: 0":         func(p *Params) { p.MaxChannelEndsPerBlock = 0 },
		"ends_per_block: 10001":     func(p *Params) { p.MaxChannelEndsPerBlock = 10_001 },
	} {
		p := DefaultParams()
		require.NoError(t, p.Validate())
		change(&p)
		require.ErrorIs(t, p.Validate(), ErrInvalidParams)
		require.ErrorContains(t, p.Validate(), want)
	}
}
