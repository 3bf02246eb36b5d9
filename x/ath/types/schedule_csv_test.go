// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"
	"testing"

	"cosmossdk.io/math"
	"github.com/stretchr/testify/require"
)

func TestScheduleCSVSumsToTheCapToTheLastUath(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, DefaultParams().WriteScheduleCSV(&out))
	records, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Equal(t, scheduleColumns, records[0])
	require.Len(t, records, int(LastEpoch)+2)

	sum := math.ZeroInt()
	for i, record := range records[1:] {
		require.Equal(t, strconv.Itoa(i), record[0])
		for _, cell := range record[1 : len(record)-1] {
			amount, ok := math.NewIntFromString(cell)
			require.True(t, ok, cell)
			require.False(t, amount.IsNegative())
			sum = sum.Add(amount)
		}
		require.Equal(t, sum.String(), record[len(record)-1], "epoch %d", i)
	}
	requireInt(t, math.NewInt(Cap), sum)
}

func TestScheduleCSVSaysThatItCouldNotBeWritten(t *testing.T) {
	require.ErrorIs(t, DefaultParams().WriteScheduleCSV(brokenPipe{}), errBroken)
}

var errBroken = errors.New("broken pipe")

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }
