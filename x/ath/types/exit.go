// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"
	"time"

	"cosmossdk.io/math"
)

const (
	// MaxExitOptions bounds the table of early exits of one ledger.
	MaxExitOptions = 4
	// MaxMinExitDelay: no fault is judged later than a month after it, and an exit that takes longer is none.
	MaxMinExitDelay = 30 * day
	// MaxExitRows bounds the vesting rows that one MsgExit reads; the response says whether there are more.
	MaxExitRows = 200
)

// Exits is the published table of a ledger's early exits.
func (p Params) Exits(ledger Ledger) []ExitOption {
	switch ledger {
	case Ledger_LEDGER_FEES:
		return p.FeeExits
	case Ledger_LEDGER_CAPACITY, Ledger_LEDGER_DELIVERY:
		return p.RewardExits
	case Ledger_LEDGER_CHECKER, Ledger_LEDGER_INDEXER:
		return p.CheckerExits
	default:
		return nil
	}
}

// Exit returns the option with just this delay and penalty: who signs for one penalty never gets another, whatever
// governance changed meanwhile.
func (p Params) Exit(ledger Ledger, delay time.Duration, penaltyPPM uint32) (ExitOption, error) {
	options := p.Exits(ledger)
	for _, option := range options {
		if option.Delay == delay && option.PenaltyPpm == penaltyPPM {
			return option, nil
		}
	}
	return ExitOption{}, ErrExitOption.Wrapf("%s has no exit after %s at %d ppm; the parameters list %d", ledger, delay, penaltyPPM, len(options))
}

// ReturnPool is the pool that gets the penalties of a ledger. Those of capacity and of fees go to delivery: see
// docs/adr/0010-early-exit.md.
func (l Ledger) ReturnPool() Pool {
	switch l {
	case Ledger_LEDGER_FEES, Ledger_LEDGER_CAPACITY, Ledger_LEDGER_DELIVERY:
		return Pool_POOL_DELIVERY
	case Ledger_LEDGER_CHECKER:
		return Pool_POOL_CHECKER_BASE
	case Ledger_LEDGER_INDEXER:
		return Pool_POOL_INDEXER
	default:
		return Pool_POOL_UNSPECIFIED
	}
}

// TakesReturned says whether penalties of any ledger come back to a pool.
func (p Pool) TakesReturned() bool {
	return slices.ContainsFunc(Ledgers(), func(l Ledger) bool { return l.ReturnPool() == p })
}

// Exit is income that leaves vesting early: Amount = Penalty + Pays, and Pays ripens at the second Ripe.
type Exit struct {
	Amount, Penalty, Pays math.Int
	Ripe                  uint64
}

// NewExit begins an exit of an option; nothing has left yet.
func NewExit(option ExitOption, now time.Time) Exit {
	zero := math.ZeroInt()
	return Exit{Amount: zero, Penalty: zero, Pays: zero, Ripe: RipeBucket(now, option.Delay)}
}

// With is the exit with one more part. The penalty of the whole is rounded up, never that of the parts.
func (e Exit) With(option ExitOption, part math.Int) Exit {
	e.Amount = e.Amount.Add(part)
	e.Penalty = quoRoundedUp(e.Amount.MulRaw(int64(option.PenaltyPpm)), math.NewInt(PPM))
	e.Pays = e.Amount.Sub(e.Penalty)
	return e
}

// PlanExit takes up to limit out of rows, which come in falling order of ripeness: the last to ripen leaves first, and what
// ripens by the exit's own time stays, or somebody would pay for nothing. It returns what it takes from which row.
func PlanExit(rows []RowBalance, option ExitOption, now time.Time, limit math.Int) (Exit, []RowBalance) {
	exit := NewExit(option, now)
	var taken []RowBalance
	for _, row := range rows {
		part := math.MinInt(row.Amount, limit.Sub(exit.Amount))
		if row.Row.Bucket <= exit.Ripe || !part.IsPositive() {
			break
		}
		exit = exit.With(option, part)
		taken = append(taken, RowBalance{Row: row.Row, Amount: part})
	}
	return exit, taken
}

// ExitClaim divides a claim that exits: what would ripen after the exit leaves, the rest vests as always.
func ExitClaim(vests []Vest, option ExitOption, now time.Time) (Exit, []Vest) {
	exit := NewExit(option, now)
	kept := make([]Vest, 0, len(vests))
	for _, vest := range vests {
		if vest.Bucket <= exit.Ripe {
			kept = append(kept, vest)
			continue
		}
		exit = exit.With(option, vest.Amount)
	}
	return exit, kept
}

// ExitingRow holds what left early until it is paid.
func ExitingRow(beneficiary string, ripe uint64, denom string) Row {
	return Row{Kind: RowKind_ROW_KIND_EXITING, Owner: beneficiary, Bucket: ripe, Denom: denom}
}

func validateExits(name string, options []ExitOption, least time.Duration) error {
	if len(options) > MaxExitOptions {
		return ErrInvalidParams.Wrapf("%s has %d options; at most %d", name, len(options), MaxExitOptions)
	}
	for i, option := range options {
		if option.Delay < least || option.Delay > MaxVestingDelay {
			return ErrInvalidParams.Wrapf("%s[%d].delay is %s; min_exit_delay, which is %s, to %s", name, i, option.Delay, least, MaxVestingDelay)
		}
		if option.PenaltyPpm < 1 || option.PenaltyPpm >= PPM {
			return ErrInvalidParams.Wrapf("%s[%d].penalty_ppm is %d; 1 to %d", name, i, option.PenaltyPpm, PPM-1)
		}
		if i > 0 && (option.Delay <= options[i-1].Delay || option.PenaltyPpm >= options[i-1].PenaltyPpm) {
			return ErrInvalidParams.Wrapf("%s[%d]: delays must rise and penalties fall", name, i)
		}
	}
	return nil
}
