// SPDX-License-Identifier: Apache-2.0

package types

import (
	"strings"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	athtypes "github.com/athnet/ath/x/ath/types"
)

func TestStableDenoms(t *testing.T) {
	many := strings.Split("aaa bbb ccc ddd eee fff ggg hhh iii", " ")
	for name, c := range map[string]struct {
		denoms []string
		ok     bool
	}{
		"none":         {nil, true},
		"some":         {[]string{"ibc/27394FB0", "uusdc"}, true},
		"eight":        {many[:MaxStableDenoms], true},
		"nine":         {many, false},
		"out of order": {[]string{"uusdc", "ibc/27394FB0"}, false},
		"twice":        {[]string{"uusdc", "uusdc"}, false},
		"uath":         {[]string{athtypes.Denom}, false},
		"musd":         {[]string{MicroUSD}, false},
		"no denom":     {[]string{"1"}, false},
		"empty":        {[]string{""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := DefaultParams()
			p.StableDenoms = c.denoms
			if c.ok {
				require.NoError(t, p.Validate())
			} else {
				require.ErrorIs(t, p.Validate(), ErrInvalidParams)
			}
		})
	}
	p := DefaultParams()
	p.StableDenoms = []string{"ibc/27394FB0", "uusdc"}
	require.NoError(t, p.Accepts("amount", athtypes.Denom))
	require.NoError(t, p.Accepts("amount", "uusdc"))
	err := p.Accepts("amount", "uosmo")
	require.ErrorIs(t, err, ErrForeignDenom)
	require.ErrorContains(t, err, "uath or ibc/27394FB0 or uusdc")
}

func TestPaysIn(t *testing.T) {
	for _, c := range []struct {
		price, pay, want string
		ok               bool
	}{
		{"", "", athtypes.Denom, true},
		{athtypes.Denom, athtypes.Denom, athtypes.Denom, true},
		{MicroUSD, "", athtypes.Denom, true},
		{MicroUSD, athtypes.Denom, athtypes.Denom, true},
		{MicroUSD, "uusdc", "uusdc", true},
		{"uusdc", "", "uusdc", true},
		{"uusdc", "uusdc", "uusdc", true},
		{"uusdc", "uusdt", "uusdt", false},
		{"", "uusdc", "uusdc", false},
		{"uusdc", athtypes.Denom, athtypes.Denom, false},
		{MicroUSD, MicroUSD, MicroUSD, false},
		{MicroUSD, "!", "!", false},
	} {
		m := MsgCreateLease{PriceDenom: c.price, PayDenom: c.pay}
		require.Equal(t, c.want, m.PaysIn())
		if err := m.validatePayer(); c.ok {
			require.NoError(t, err, "%s %s", c.price, c.pay)
		} else {
			require.ErrorIs(t, err, ErrForeignDenom, "%s %s", c.price, c.pay)
		}
	}
}

// TestAPartOfAClaim: what came of a claim is never credited for less than it is, nor for more than was claimed.
func TestAPartOfAClaim(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		missing := rapid.Int64Range(1, 1<<40).Draw(t, "missing")
		claim := rapid.Int64Range(1, 1<<40).Draw(t, "claim")
		part := rapid.Int64Range(0, claim).Draw(t, "part")
		share := ShareRoundedUp(math.NewInt(missing), math.NewInt(part), math.NewInt(claim))
		if share.GT(math.NewInt(missing)) {
			t.Fatalf("%s of %d", share, missing)
		}
		if share.MulRaw(claim).LT(math.NewInt(missing).MulRaw(part)) || share.SubRaw(1).MulRaw(claim).GTE(math.NewInt(missing).MulRaw(part)) && part > 0 {
			t.Fatalf("%s is not %d/%d of %d, rounded up", share, part, claim, missing)
		}
	})
}
