// SPDX-License-Identifier: Apache-2.0

package types

import "cosmossdk.io/math"

// PPM is one, in parts per million.
const PPM = 1_000_000

// Pools lists every pool in order of number; state, events and sums follow this order.
func Pools() []Pool {
	return []Pool{Pool_POOL_CHECKER_BASE, Pool_POOL_CHECKER_BONUS, Pool_POOL_CAPACITY, Pool_POOL_DELIVERY, Pool_POOL_INDEXER, Pool_POOL_GRANTS}
}

// Quarterly says whether a pool's weights are collected over a quarter instead of an epoch. Its share carries the number of
// the quarter's last epoch, and so closes when that one does.
func (p Pool) Quarterly() bool { return p == Pool_POOL_CHECKER_BONUS }

// Shared says whether a pool is paid pro rata of weights per epoch or quarter (Shares).
func (p Pool) Shared() bool {
	switch p {
	case Pool_POOL_CHECKER_BASE, Pool_POOL_CHECKER_BONUS, Pool_POOL_DELIVERY, Pool_POOL_INDEXER:
		return true
	default:
		return false
	}
}

// Ledger is where a pool's payments are credited; LEDGER_UNSPECIFIED for a pool that no beneficiary claims from.
func (p Pool) Ledger() Ledger {
	switch p {
	case Pool_POOL_CHECKER_BASE, Pool_POOL_CHECKER_BONUS:
		return Ledger_LEDGER_CHECKER
	case Pool_POOL_CAPACITY:
		return Ledger_LEDGER_CAPACITY
	case Pool_POOL_DELIVERY:
		return Ledger_LEDGER_DELIVERY
	case Pool_POOL_INDEXER:
		return Ledger_LEDGER_INDEXER
	default:
		return Ledger_LEDGER_UNSPECIFIED
	}
}

// Pools are the shared pools whose weights end in a ledger.
func (l Ledger) Pools() []Pool {
	var pools []Pool
	for _, pool := range Pools() {
		if pool.Shared() && pool.Ledger() == l {
			pools = append(pools, pool)
		}
	}
	return pools
}

// ClaimableLedgers lists the ledgers that MsgClaim empties; LEDGER_FEES vests from settlement and needs no claim.
func ClaimableLedgers() []Ledger {
	return []Ledger{Ledger_LEDGER_CAPACITY, Ledger_LEDGER_DELIVERY, Ledger_LEDGER_CHECKER, Ledger_LEDGER_INDEXER}
}

// Claimable says whether MsgClaim may name the ledger.
func (l Ledger) Claimable() bool {
	return l == Ledger_LEDGER_CAPACITY || l == Ledger_LEDGER_DELIVERY || l == Ledger_LEDGER_CHECKER || l == Ledger_LEDGER_INDEXER
}

// Ledgers lists all ledgers in order of number.
func Ledgers() []Ledger { return append([]Ledger{Ledger_LEDGER_FEES}, ClaimableLedgers()...) }

// VestingKind is the kind of the rows in which a ledger's income ripens; ROW_KIND_UNSPECIFIED for no ledger.
func (l Ledger) VestingKind() RowKind {
	switch l {
	case Ledger_LEDGER_FEES:
		return RowKind_ROW_KIND_VESTING_FEES
	case Ledger_LEDGER_CAPACITY:
		return RowKind_ROW_KIND_VESTING_CAPACITY
	case Ledger_LEDGER_DELIVERY:
		return RowKind_ROW_KIND_VESTING_DELIVERY
	case Ledger_LEDGER_CHECKER:
		return RowKind_ROW_KIND_VESTING_CHECKER
	case Ledger_LEDGER_INDEXER:
		return RowKind_ROW_KIND_VESTING_INDEXER
	default:
		return RowKind_ROW_KIND_UNSPECIFIED
	}
}

// VestingKinds lists the kinds of rows in which income ripens, in order of ledger.
func VestingKinds() []RowKind {
	kinds := make([]RowKind, 0, len(Ledgers()))
	for _, ledger := range Ledgers() {
		kinds = append(kinds, ledger.VestingKind())
	}
	return kinds
}

// NewPoolState is a pool before its first emission.
func NewPoolState(pool Pool) PoolState {
	zero := math.ZeroInt()
	return PoolState{Pool: pool, Emitted: zero, Paid: zero, Returned: zero, ReturnedSpent: zero, ReturnedRate: zero}
}

// PartRoundedDown is amount x ppm / 10^6.
func PartRoundedDown(amount math.Int, ppm uint32) math.Int {
	return amount.MulRaw(int64(ppm)).QuoRaw(PPM)
}
