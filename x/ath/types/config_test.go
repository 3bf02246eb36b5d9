// SPDX-License-Identifier: Apache-2.0

package types_test

import (
	"os"
	"testing"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/stretchr/testify/require"

	"github.com/athnet/ath/x/ath/types"
)

// TestPrefixesOfAProgramThatMoves: an operator moves the program of a running validator to put the next one in its place. Its addresses stay.
func TestPrefixesOfAProgramThatMoves(t *testing.T) {
	types.SetPrefixes()
	before := sdk.AccAddress(make([]byte, 20)).String()
	program, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Rename(program, program+".old"))
	defer func() { require.NoError(t, os.Rename(program+".old", program)) }()
	require.Equal(t, types.Bech32Prefix, sdk.GetConfig().GetBech32AccountAddrPrefix())
	require.Equal(t, before, sdk.AccAddress(make([]byte, 20)).String())
	address, err := sdk.AccAddressFromBech32(before)
	require.NoError(t, err)
	require.Len(t, address, 20)
}
