// SPDX-License-Identifier: Apache-2.0

package types

import (
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
)

func TestValidateAmount(t *testing.T) {
	require.NoError(t, ValidateAmount(math.OneInt()))
	require.NoError(t, ValidateAmount(MaxAmount))
	for _, amount := range []math.Int{{}, math.ZeroInt(), math.NewInt(-1), MaxAmount.AddRaw(1)} {
		require.ErrorIs(t, ValidateAmount(amount), ErrInvalidAmount)
	}
	require.Equal(t, 127, MaxAmount.BigInt().BitLen())
}

func TestRowValidate(t *testing.T) {
	for kind := RowKind(1); kind.Valid(); kind++ {
		owner := ""
		if kind.Owned() {
			owner = "ath1x"
		}
		require.NoError(t, Row{Kind: kind, Owner: owner, Denom: Denom}.Validate())
		require.NoError(t, Row{Kind: kind, Owner: owner, Denom: "ibc/27394FB092D2ECCD56123C74F36E4C1F926001CEADA9CA97EA622B25F41E5EB2"}.Validate())
		if owner = "ath1x"; kind.Owned() {
			owner = ""
		}
		require.ErrorIs(t, Row{Kind: kind, Owner: owner, Denom: Denom}.Validate(), ErrInvalidRow)
		require.ErrorIs(t, Row{Kind: kind, Denom: ""}.Validate(), ErrInvalidRow)
	}
	require.ErrorIs(t, Row{Kind: 0, Owner: "ath1x", Denom: Denom}.Validate(), ErrInvalidRow)
	require.ErrorIs(t, Row{Kind: 99, Owner: "ath1x", Denom: Denom}.Validate(), ErrInvalidRow)
}

func TestMsgClaimValidate(t *testing.T) {
	require.NoError(t, (&MsgClaim{}).Validate())
	require.NoError(t, (&MsgClaim{Ledgers: ClaimableLedgers(), Containers: make([]uint64, MaxClaimContainers)}).Validate())
	for want, msg := range map[string]MsgClaim{
		"ledgers[0]: LEDGER_FEES":             {Ledgers: []Ledger{Ledger_LEDGER_FEES}},
		"ledgers[0]: 0 does not exist":        {Ledgers: []Ledger{0}},
		"ledgers[0]: 99 does not exist":       {Ledgers: []Ledger{99}},
		"ledgers[1]: LEDGER_CHECKER is named": {Ledgers: []Ledger{Ledger_LEDGER_CHECKER, Ledger_LEDGER_CHECKER}},
		"ledgers: 5":                          {Ledgers: make([]Ledger, 5)},
		"containers: 501":                     {Containers: make([]uint64, MaxClaimContainers+1)},
	} {
		require.ErrorContains(t, msg.Validate(), want)
	}
}

// Every ledger vests in rows of its own kind, which belong to its beneficiary.
func TestVestingKindsAreOnePerLedger(t *testing.T) {
	seen := make(map[RowKind]bool)
	for _, kind := range VestingKinds() {
		require.True(t, kind.Valid() && kind.Owned(), kind)
		require.False(t, seen[kind], kind)
		seen[kind] = true
	}
	require.Len(t, seen, len(Ledger_name)-1)
	require.Equal(t, RowKind_ROW_KIND_UNSPECIFIED, Ledger_LEDGER_UNSPECIFIED.VestingKind())
}
