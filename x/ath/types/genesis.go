// SPDX-License-Identifier: Apache-2.0

package types

import (
	"cmp"
	"slices"
	"time"

	"cosmossdk.io/math"
)

// maxIndex bounds the figures of a stream in a genesis state. The whole supply over a weight of one reaches 10^35; with this
// bound no product of them leaves math.Int's 256 bits, which would panic in the middle of a block.
var maxIndex = math.NewIntWithDecimal(1, 40)

// DefaultGenesis is that of a new chain: InitGenesis opens epoch 1 and takes the bank's supply as minted.
func DefaultGenesis() *GenesisState {
	return &GenesisState{
		Params: DefaultParams(),
		Stream: NewStream(time.Unix(0, 0).UTC()),
		Minted: math.ZeroInt(),
		Burnt:  math.ZeroInt(),

		DaoGranted: math.ZeroInt(),
	}
}

// New says whether the state is that of a chain that has not begun.
func (g GenesisState) New() bool { return g.Epoch.Number == 0 }

// Validate checks the state against itself; InitGenesis checks it against the bank and the address codec.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	if g.Minted.IsNil() || g.Minted.IsNegative() || g.Burnt.IsNil() || g.Burnt.IsNegative() {
		return ErrInvalidGenesis.Wrapf("minted is %s and burnt is %s; neither may be negative", g.Minted, g.Burnt)
	}
	if err := g.validateRevenue(); err != nil {
		return err
	}
	if err := g.validateFees(); err != nil {
		return err
	}
	if err := g.validateBeacons(); err != nil {
		return err
	}
	if err := validateRows(g.Rows); err != nil {
		return err
	}
	if err := g.validateDAO(); err != nil {
		return err
	}
	if err := validatePayouts(g.Payouts); err != nil {
		return err
	}
	if err := validateSigners(g.Signers); err != nil {
		return err
	}
	if err := g.validatePrice(); err != nil {
		return err
	}
	if g.New() {
		if len(g.Pools)+len(g.Shares)+len(g.SharePositions)+len(g.StreamMarks)+len(g.StreamGroups)+len(g.StreamPositions)+len(g.Bars) > 0 || g.BonusUntil > 0 {
			return ErrInvalidGenesis.Wrap("epoch.number is 0, but pools, shares or stream are not empty; a new chain has none")
		}
		return nil
	}
	if g.Epoch.Duration < time.Second || g.Epoch.Duration > MaxEpochDuration {
		return ErrInvalidGenesis.Wrapf("epoch.duration is %s; 1s to %s", g.Epoch.Duration, MaxEpochDuration)
	}
	if g.ClosedEpoch >= g.Epoch.Number {
		return ErrInvalidGenesis.Wrapf("closed_epoch is %d; epoch %d is running", g.ClosedEpoch, g.Epoch.Number)
	}
	if err := g.validateShares(); err != nil {
		return err
	}
	if err := g.validateBars(); err != nil {
		return err
	}
	return g.validateStream()
}

func validateRows(rows []RowBalance) error {
	seen := make(map[Row]bool, len(rows))
	for i, balance := range rows {
		if err := balance.Row.Validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("rows[%d]: %s", i, err)
		}
		if balance.Amount.IsNil() || !balance.Amount.IsPositive() {
			return ErrInvalidGenesis.Wrapf("rows[%d]: amount is %s; it must be positive", i, balance.Amount)
		}
		if seen[balance.Row] {
			return ErrInvalidGenesis.Wrapf("rows[%d]: %s is listed twice", i, balance.Row.String())
		}
		seen[balance.Row] = true
	}
	return nil
}

func validatePayouts(payouts []Payout) error {
	seen := make(map[string]bool, len(payouts))
	for i, payout := range payouts {
		if seen[payout.Beneficiary] {
			return ErrInvalidGenesis.Wrapf("payouts[%d]: %s is listed twice", i, payout.Beneficiary)
		}
		seen[payout.Beneficiary] = true
	}
	return nil
}

func (g GenesisState) validateShares() error {
	pools := Pools()
	if len(g.Pools) != len(pools) {
		return ErrInvalidGenesis.Wrapf("pools has %d entries; there are %d pools", len(g.Pools), len(pools))
	}
	for i, state := range g.Pools {
		if state.Pool != pools[i] || anyNegative(state.Emitted, state.Paid, state.Returned, state.ReturnedSpent, state.ReturnedRate) {
			return ErrInvalidGenesis.Wrapf("pools[%d]: want %s with figures that are not negative", i, pools[i])
		}
		if state.ReturnedSpent.GT(state.Returned) {
			return ErrInvalidGenesis.Wrapf("pools[%d]: %s of %s returned are spent", i, state.ReturnedSpent, state.Returned)
		}
	}
	type key struct {
		pool        Pool
		beneficiary string
		epoch       uint64
	}
	seen := make(map[key]bool, len(g.Shares)+len(g.SharePositions))
	for i, share := range g.Shares {
		if !share.Pool.Shared() {
			return ErrInvalidGenesis.Wrapf("shares[%d]: %s is not paid by weight", i, share.Pool)
		}
		if anyNegative(share.Weight, share.Amount, share.Budget, share.ReturnedBudget, share.ReturnedFloor, share.ReturnedWeight, share.ReturnedAmount) {
			return ErrInvalidGenesis.Wrapf("shares[%d]: a figure is negative", i)
		}
		last := g.Epoch.Number
		if share.Pool.Quarterly() {
			last = g.BonusUntil
		}
		if share.Epoch > last || share.Closed != (share.Epoch <= g.ClosedEpoch) {
			return ErrInvalidGenesis.Wrapf("shares[%d]: epoch %d, closed %t, but epoch %d is the last that closed", i, share.Epoch, share.Closed, g.ClosedEpoch)
		}
		if id := (key{share.Pool, "", share.Epoch}); seen[id] {
			return ErrInvalidGenesis.Wrapf("shares[%d]: %s epoch %d is listed twice", i, share.Pool, share.Epoch)
		} else {
			seen[id] = true
		}
	}
	for i, position := range g.SharePositions {
		if !seen[key{position.Pool, "", position.Epoch}] {
			return ErrInvalidGenesis.Wrapf("share_positions[%d]: no share of %s in epoch %d", i, position.Pool, position.Epoch)
		}
		if position.Weight.IsNil() || !position.Weight.IsPositive() || position.Weight.GT(MaxWeight) {
			return ErrInvalidGenesis.Wrapf("share_positions[%d]: weight is %s; 1 to %s", i, position.Weight, MaxWeight)
		}
		id := key{position.Pool, position.Beneficiary, position.Epoch}
		if position.Beneficiary == "" || seen[id] {
			return ErrInvalidGenesis.Wrapf("share_positions[%d]: beneficiary %q is empty or listed twice", i, position.Beneficiary)
		}
		seen[id] = true
	}
	return g.validateFloors()
}

// validateFloors: later epochs give away what stands further down the line of returned penalties. liftBar relies on it: it
// asks the oldest open epoch only, and with another order a pool would pay more than it set aside.
func (g GenesisState) validateFloors() error {
	shares := slices.SortedStableFunc(slices.Values(g.Shares), func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Epoch, b.Epoch))
	})
	spent := make(map[Pool]math.Int, len(g.Pools))
	for _, state := range g.Pools {
		spent[state.Pool] = state.ReturnedSpent
	}
	for i, share := range shares {
		if share.ReturnedFloor.GT(spent[share.Pool]) {
			return ErrInvalidGenesis.Wrapf("shares: %s epoch %d has returned_floor %s; %s are spent", share.Pool, share.Epoch, share.ReturnedFloor, spent[share.Pool])
		}
		if i > 0 && share.Pool == shares[i-1].Pool && share.ReturnedFloor.LT(shares[i-1].ReturnedFloor) {
			return ErrInvalidGenesis.Wrapf("shares: %s epoch %d has returned_floor %s; that of epoch %d is %s",
				share.Pool, share.Epoch, share.ReturnedFloor, shares[i-1].Epoch, shares[i-1].ReturnedFloor)
		}
	}
	return nil
}

// anyNegative says whether a figure is missing or below zero.
func anyNegative(figures ...math.Int) bool {
	for _, figure := range figures {
		if figure.IsNil() || figure.IsNegative() {
			return true
		}
	}
	return false
}

func (g GenesisState) validateBars() error {
	if g.BonusUntil < g.Epoch.Number {
		return ErrInvalidGenesis.Wrapf("bonus_until is %d; epoch %d is running", g.BonusUntil, g.Epoch.Number)
	}
	returned := make(map[Pool]math.Int, len(g.Pools))
	for _, state := range g.Pools {
		returned[state.Pool] = state.Returned
	}
	type key struct {
		pool        Pool
		beneficiary string
	}
	seen := make(map[key]bool, len(g.Bars))
	for i, bar := range g.Bars {
		if !bar.Pool.TakesReturned() {
			return ErrInvalidGenesis.Wrapf("bars[%d]: no penalty comes back to %s", i, bar.Pool)
		}
		line, known := returned[bar.Pool]
		if !known || bar.Returned.IsNil() || !bar.Returned.IsPositive() || bar.Returned.GT(line) {
			return ErrInvalidGenesis.Wrapf("bars[%d]: %s is not within what came back to %s", i, bar.Returned, bar.Pool)
		}
		id := key{bar.Pool, bar.Beneficiary}
		if bar.Beneficiary == "" || seen[id] {
			return ErrInvalidGenesis.Wrapf("bars[%d]: beneficiary %q is empty or listed twice", i, bar.Beneficiary)
		}
		seen[id] = true
	}
	return nil
}

func (g GenesisState) validateStream() error {
	for _, amount := range []math.Int{g.Stream.Index, g.Stream.Weight, g.Stream.PerEpoch, g.Stream.NextWeight, g.Stream.Marked} {
		if !validFigure(amount) {
			return ErrInvalidGenesis.Wrap("stream: a figure is negative or huge")
		}
	}
	for i, mark := range g.StreamMarks {
		if !validFigure(mark.Index) || !validFigure(mark.Growth) {
			return ErrInvalidGenesis.Wrapf("stream_marks[%d]: a figure is negative or huge", i)
		}
		if i > 0 && (mark.Round <= g.StreamMarks[i-1].Round || mark.Ordinal <= g.StreamMarks[i-1].Ordinal) {
			return ErrInvalidGenesis.Wrapf("stream_marks[%d]: round %d is out of order", i, mark.Round)
		}
	}
	groups := make(map[uint64]bool, len(g.StreamGroups))
	for i, group := range g.StreamGroups {
		if !validFigure(group.Index) || !validFigure(group.Weight) {
			return ErrInvalidGenesis.Wrapf("stream_groups[%d]: a figure is negative or huge", i)
		}
		if groups[group.Group] {
			return ErrInvalidGenesis.Wrapf("stream_groups[%d]: group %d is listed twice", i, group.Group)
		}
		groups[group.Group] = true
	}
	holders := make(map[uint64]bool, len(g.StreamPositions))
	for i, position := range g.StreamPositions {
		if err := position.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("stream_positions[%d]: %s", i, err)
		}
		if holders[position.Holder] {
			return ErrInvalidGenesis.Wrapf("stream_positions[%d]: holder %d is listed twice", i, position.Holder)
		}
		holders[position.Holder] = true
	}
	return nil
}

func validFigure(amount math.Int) bool {
	return !amount.IsNil() && !amount.IsNegative() && amount.LTE(maxIndex)
}

func (p StreamPosition) validate() error {
	if err := ValidateWeight(p.Weight); err != nil {
		return err
	}
	if p.Snapshot.IsNil() || p.Snapshot.IsNegative() {
		return ErrInvalidGenesis.Wrap("snapshot is negative")
	}
	if len(p.Steps) > maxSteps {
		return ErrTooMany.Wrapf("steps: %d; at most %d", len(p.Steps), maxSteps)
	}
	for i, step := range p.Steps {
		if err := ValidateWeight(step.Weight); err != nil {
			return err
		}
		if i > 0 && step.From <= p.Steps[i-1].From {
			return ErrRoundOrder.Wrapf("steps[%d]: from %d", i, step.From)
		}
	}
	return nil
}
