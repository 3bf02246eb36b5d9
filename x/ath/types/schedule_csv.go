// SPDX-License-Identifier: Apache-2.0

package types

import (
	"encoding/csv"
	"io"
	"strconv"

	"cosmossdk.io/math"
)

// scheduleColumns head the table of WriteScheduleCSV; the pools stand in the order of Pools.
var scheduleColumns = []string{
	"epoch", "genesis", "checker_base", "checker_bonus", "capacity", "delivery", "indexer", "grants", "minted",
}

// WriteScheduleCSV writes all that is ever minted, in uath: a row 0 for genesis, then one per epoch up to the last. The
// columns between epoch and minted are what a row mints and sum to Cap over the table; minted is the sum up to the row.
// Genesis is what the cap leaves beside the emission, all of it: a chain that starts with less mints less.
func (p Params) WriteScheduleCSV(to io.Writer) error {
	w := csv.NewWriter(to)
	if err := w.Write(scheduleColumns); err != nil {
		return err
	}
	minted := math.NewInt(Cap - EmissionTotal)
	record := []string{"0", minted.String()}
	for range Pools() {
		record = append(record, "0")
	}
	if err := w.Write(append(record, minted.String())); err != nil {
		return err
	}
	for epoch := uint64(1); epoch <= LastEpoch; epoch++ {
		gross := Emission(epoch)
		minted = minted.Add(gross.Total())
		record = append(record[:0], strconv.FormatUint(epoch, 10), "0")
		for _, part := range p.Divide(gross) {
			record = append(record, part.Amount.String())
		}
		if err := w.Write(append(record, minted.String())); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
