// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// DefaultGenesis is a market without offers.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// Validate checks what can be checked without the other modules: bounds, order, and that accounts agree with their leases
// (invariant A1).
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	var last uint64
	for _, offer := range g.Offers {
		if err := offer.Validate(0); err != nil {
			return ErrInvalidGenesis.Wrapf("offers: %v", err)
		}
		if offer.Class == "" {
			return ErrInvalidGenesis.Wrapf("offers: container %d has no class", offer.ContainerId)
		}
		if offer.ContainerId <= last {
			return ErrInvalidGenesis.Wrapf("offers: container %d is out of order", offer.ContainerId)
		}
		last = offer.ContainerId
	}
	if err := g.validateLeases(); err != nil {
		return err
	}
	if err := g.validateGateways(); err != nil {
		return err
	}
	if err := g.validateChannels(); err != nil {
		return err
	}
	if err := g.validateDeposits(); err != nil {
		return err
	}
	if err := g.validateLog(); err != nil {
		return err
	}
	if err := g.validateBreaches(); err != nil {
		return err
	}
	if err := g.validateServed(); err != nil {
		return err
	}
	for i, nonce := range g.Nonces {
		if _, err := sdk.AccAddressFromBech32(nonce.Indexer); err != nil {
			return ErrInvalidGenesis.Wrapf("nonces[%d].indexer: %v", i, err)
		}
		if !validTime(nonce.ExpiresAt) {
			return ErrInvalidGenesis.Wrapf("nonces[%d].expires_at: %s", i, nonce.ExpiresAt)
		}
	}
	return nil
}

// validateLog checks the log, its roots in order, and that every receipt has one place in it.
func (g GenesisState) validateLog() error {
	if err := g.ReceiptLog.Validate(); err != nil {
		return err
	}
	last := ReceiptRoot{}
	for i, root := range g.ReceiptRoots {
		if len(root.Root) != sha256.Size || root.Count <= last.Count || root.Count > g.ReceiptLog.Count ||
			i > 0 && root.Epoch <= last.Epoch || root.Epoch >= g.ReceiptLog.Epoch {
			return ErrInvalidGenesis.Wrapf("receipt_roots[%d]: epoch %d with %d receipts", i, root.Epoch, root.Count)
		}
		last = root
	}
	receipts := make(map[string]bool, len(g.Receipts))
	for _, r := range g.Receipts {
		receipts[idString(r.Tenant, r.Number)] = true
	}
	for i, kept := range g.KeptReceipts {
		if i > 0 && (kept.Index <= g.KeptReceipts[i-1].Index || kept.Epoch < g.KeptReceipts[i-1].Epoch) ||
			kept.Index >= g.ReceiptLog.Count || kept.Epoch > g.ReceiptLog.Epoch || !receipts[kept.LeaseId] {
			return ErrInvalidGenesis.Wrapf("kept_receipts[%d]: %s at %d in epoch %d", i, clip(kept.LeaseId), kept.Index, kept.Epoch)
		}
		delete(receipts, kept.LeaseId)
	}
	if len(receipts) != 0 {
		return ErrInvalidGenesis.Wrapf("kept_receipts: %d receipts have no place in the log", len(receipts))
	}
	return nil
}

// position orders accounts, leases and receipts as their keys are ordered.
type position struct {
	tenant sdk.AccAddress
	number uint64
}

func (p position) before(q position) bool {
	if c := bytes.Compare(p.tenant, q.tenant); c != 0 {
		return c < 0
	}
	return p.number < q.number
}

func (g GenesisState) validateLeases() error {
	sums, tenants := map[string]*AccountSum{}, map[string]*TenantSum{}
	leased := map[uint64]string{}
	var last position
	for _, lease := range g.Leases {
		if err := lease.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("leases: %s: %v", lease.ID(), err)
		}
		at := position{sdk.MustAccAddressFromBech32(lease.Tenant), lease.Number}
		if !last.before(at) {
			return ErrInvalidGenesis.Wrapf("leases: %s is out of order", lease.ID())
		}
		if other, taken := leased[lease.ContainerId]; taken {
			return ErrInvalidGenesis.Wrapf("leases: container %d is in %s and %s", lease.ContainerId, other, lease.ID())
		}
		last, leased[lease.ContainerId] = at, lease.ID()
		if tenants[lease.Tenant] == nil {
			tenants[lease.Tenant] = &TenantSum{}
		}
		tenants[lease.Tenant].Add(lease)
		if lease.Credit != nil { // its float and its line are checked with their gateways
			continue
		}
		key := lease.Tenant + "/" + lease.Denom
		if sums[key] == nil {
			sums[key] = &AccountSum{}
		}
		sums[key].Add(lease)
	}
	if err := validateStandbys(g.Leases); err != nil {
		return err
	}
	last = position{}
	for _, receipt := range g.Receipts {
		tenant, err := sdk.AccAddressFromBech32(receipt.Tenant)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("receipts: tenant: %v", err)
		}
		at := position{tenant, receipt.Number}
		if !last.before(at) {
			return ErrInvalidGenesis.Wrapf("receipts: %s is out of order", idString(receipt.Tenant, receipt.Number))
		}
		if err := receipt.Validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("receipts: %s: %v", receipt.ID(), err)
		}
		last = at
	}
	for _, account := range g.Accounts {
		if err := account.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("accounts: %s: %v", account.Tenant, err)
		}
		key := account.Tenant + "/" + account.Denom
		sum := sums[key]
		if sum == nil {
			sum = &AccountSum{}
		}
		if err := sum.Check(account); err != nil {
			return ErrInvalidGenesis.Wrapf("accounts: %v", err)
		}
		delete(sums, key)
		if account.Other() {
			continue
		}
		if err := tenants[account.Tenant].Check(account); err != nil {
			return ErrInvalidGenesis.Wrapf("accounts: %v", err)
		}
		delete(tenants, account.Tenant)
	}
	if len(sums) != 0 || len(tenants) != 0 {
		return ErrInvalidGenesis.Wrapf("accounts: %d tenants with leases have none, or none in %s", max(len(sums), len(tenants)), athtypes.Denom)
	}
	return nil
}

// validateStandbys checks that leases and what stands by for them name each other.
func validateStandbys(leases []Lease) error {
	byID := make(map[string]Lease, len(leases))
	for _, l := range leases {
		byID[l.ID()] = l
	}
	for _, l := range leases {
		for _, number := range l.Standbys {
			if byID[idString(l.Tenant, number)].StandbyOf != l.Number {
				return ErrInvalidGenesis.Wrapf("leases: %s names %d as its standby, which does not stand by for it", l.ID(), number)
			}
		}
		if l.StandbyOf != 0 && !slices.Contains(byID[idString(l.Tenant, l.StandbyOf)].Standbys, l.Number) {
			return ErrInvalidGenesis.Wrapf("leases: %s stands by for %d, which does not name it", l.ID(), l.StandbyOf)
		}
	}
	return nil
}

func (l Lease) validate() error {
	if _, err := ParseLeaseID(l.ID()); err != nil {
		return err
	}
	if _, err := sdk.AccAddressFromBech32(l.Provider); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	if err := validateRate("rate", l.Rate); err != nil {
		return err
	}
	active := l.State == LeaseState_LEASE_STATE_ACTIVE
	if err := validateDenom("denom", l.Denom); err != nil {
		return err
	}
	switch {
	case LeaseState_name[int32(l.State)] == "" || l.State == LeaseState_LEASE_STATE_UNSPECIFIED:
		return fmt.Errorf("state: %s", l.State)
	case !active && l.StartedAt == nil:
		return fmt.Errorf("started_at: does not go with state %s", l.State)
	case (l.State == LeaseState_LEASE_STATE_PAUSED) != (l.PausedAt != nil):
		return fmt.Errorf("paused_at: does not go with state %s", l.State)
	case (l.State == LeaseState_LEASE_STATE_STANDBY) != (l.StandbyOf != 0):
		return fmt.Errorf("standby_of: does not go with state %s", l.State)
	case !validTime(l.CreatedAt), !validTime(l.BoundAt), !validTime(l.SettledUntil), l.BoundAt.Before(l.CreatedAt), l.SettledUntil.Before(l.BoundAt):
		return fmt.Errorf("settled_until: %s with created_at %s and bound_at %s", l.SettledUntil, l.CreatedAt, l.BoundAt)
	case l.PausedAt != nil && (!validTime(*l.PausedAt) || l.PausedAt.Before(l.SettledUntil)):
		return fmt.Errorf("paused_at: %s with settled_until %s", l.PausedAt, l.SettledUntil)
	case len(l.Standbys) > MaxStandbys || l.Priority > MaxPriority:
		return fmt.Errorf("standbys, priority: %d, %d: want at most %d, %d", len(l.Standbys), l.Priority, MaxStandbys, MaxPriority)
	case l.EndsAt != nil && (!validTime(*l.EndsAt) || l.EndsAt.Before(l.SettledUntil)):
		return fmt.Errorf("ends_at: %s", l.EndsAt)
	}
	for _, amount := range []math.Int{l.Billed, l.Reserve, l.GraceReserve, l.Credited, l.Fee} {
		if amount.IsNil() || amount.IsNegative() || amount.GT(MaxAmount) {
			return fmt.Errorf("billed, reserve, grace_reserve, credited, fee: %s: want 0 to %s", show(amount), MaxAmount)
		}
	}
	for _, rate := range []math.Int{l.FullRate, l.StorageRate} {
		if rate.IsNil() || rate.IsNegative() || rate.GT(MaxRate) {
			return fmt.Errorf("full_rate, storage_rate: %s: want 0 to %s", show(rate), MaxRate)
		}
	}
	if l.Fee.GT(l.Billed) {
		return fmt.Errorf("fee: %s: want at most the billed %s", l.Fee, l.Billed)
	}
	if l.InUSD() != (l.UsdIndex != nil) || !l.InUSD() && l.PriceDenom != "" || l.InUSD() && l.Denom != athtypes.Denom {
		return fmt.Errorf("price_denom: %q: want none or %s, which goes with usd_index", clip(l.PriceDenom), MicroUSD)
	}
	if l.UsdIndex != nil && (l.UsdIndex.IsNil() || l.UsdIndex.IsNegative() || l.UsdIndex.GT(maxIndex)) {
		return fmt.Errorf("usd_index: %s: want 0 to %s", show(*l.UsdIndex), maxIndex)
	}
	if l.Remainder.IsNil() || l.Remainder.IsNegative() || l.Remainder.GTE(perUnit) {
		return fmt.Errorf("remainder: %s: want 0 or more, and less than one unit", show(l.Remainder))
	}
	if err := l.validateSLA(); err != nil {
		return err
	}
	if err := l.validateMode(); err != nil {
		return err
	}
	if err := l.validateCredit(); err != nil {
		return err
	}
	return l.validateTimes()
}

// validateTimes checks that a lease has not lost more time than has passed since its start, and, where it has had one Container and one
// rate in uath since then, that it was not paid for more.
func (l Lease) validateTimes() error {
	most := time.Duration(0)
	if l.StartedAt != nil {
		if l.StartedAt.Before(l.CreatedAt) {
			return fmt.Errorf("started_at: %s with created_at %s", l.StartedAt, l.CreatedAt)
		}
		most = max(0, l.SettledUntil.Sub(*l.StartedAt))
	}
	if l.Lost < 0 || l.Lost > most {
		return fmt.Errorf("lost: %s: want 0 to %s", l.Lost, most)
	}
	if paid := l.Billed.Mul(perUnit).Add(l.Remainder); l.Rebound == 0 && !l.InUSD() && paid.GT(Accrued(l.Rate, most)) {
		return fmt.Errorf("billed, remainder: %s x 10^-27: want at most %s", paid, Accrued(l.Rate, most))
	}
	return nil
}

func (a Account) validate() error {
	if _, err := sdk.AccAddressFromBech32(a.Tenant); err != nil {
		return fmt.Errorf("tenant: %w", err)
	}
	if err := validateDenom("denom", a.Denom); err != nil {
		return err
	}
	if a.Other() && (a.OtherLeases != 0 || a.OtherUnstarted != 0 || a.Usd != nil) {
		return fmt.Errorf("other_leases %d, other_unstarted %d, usd %v: want none in an account of %s", a.OtherLeases, a.OtherUnstarted, a.Usd, a.Denom)
	}
	for _, amount := range []math.Int{a.Rate, a.Accrued, a.Reserved} {
		if amount.IsNil() || amount.IsNegative() {
			return fmt.Errorf("rate, accrued, reserved: %s: want 0 or more", show(amount))
		}
	}
	if u := a.Usd; u != nil && (u.Rate.IsNil() || !u.Rate.IsPositive() || u.Index.IsNil() || u.Index.IsNegative() || u.Index.GT(maxIndex)) {
		return fmt.Errorf("usd: %+v: want a rate above 0 and an index from 0 to %s", *u, maxIndex)
	}
	if !validTime(a.TouchedAt) || a.NextNumber == 0 || a.QueuedAt < 0 {
		return fmt.Errorf("touched_at %s, next_number %d, queued_at %d", a.TouchedAt, a.NextNumber, a.QueuedAt)
	}
	return nil
}

// maxIndex bounds x/ath's UsdIndex as that module does.
var maxIndex = math.NewIntWithDecimal(1, 42)

// AccountSum adds up what an account must say of its leases (invariant A1); the zero value is the sum over none.
type AccountSum struct{ leases []Lease }

// Add adds an open lease.
func (s *AccountSum) Add(l Lease) { s.leases = append(s.leases, l) }

// Check compares.
func (s *AccountSum) Check(a Account) error {
	rates, reserved, accrued := NoRates(), math.ZeroInt(), math.ZeroInt()
	unstarted, next := uint32(0), uint64(1)
	for _, l := range s.leases {
		rates = rates.Add(l.PricedIn(), l.Accrues())
		reserved = reserved.Add(l.Reserved())
		if !l.Prepaid() {
			accrued = accrued.Add(l.Remainder).Add(a.accruedFor(l))
		}
		if l.State == LeaseState_LEASE_STATE_ACTIVE {
			unstarted++
		}
		next = max(next, l.Number+1)
	}
	has := a.Rates()
	switch {
	case !has.Units.Equal(rates.Units):
		return ErrInvariant.Wrapf("rate of %s is %s, its leases' sum is %s", a.Tenant, has.Units, rates.Units)
	case !has.USD.Equal(rates.USD):
		return ErrInvariant.Wrapf("usd rate of %s is %s, its leases' sum is %s", a.Tenant, has.USD, rates.USD)
	case !a.Reserved.Equal(reserved):
		return ErrInvariant.Wrapf("reserved of %s is %s, its leases' sum is %s", a.Tenant, a.Reserved, reserved)
	case !a.Accrued.Equal(accrued):
		return ErrInvariant.Wrapf("accrued of %s is %s, its leases' sum is %s", a.Tenant, a.Accrued, accrued)
	case int(a.OpenLeases) != len(s.leases) || a.Unstarted != unstarted:
		return ErrInvariant.Wrapf("%s counts %d leases, %d unstarted; it has %d, %d", a.Tenant, a.OpenLeases, a.Unstarted, len(s.leases), unstarted)
	case a.NextNumber < next:
		return ErrInvariant.Wrapf("next number of %s is %d, a lease has %d", a.Tenant, a.NextNumber, next-1)
	}
	return nil
}

// accruedFor is what the account has counted for a lease since it was settled.
func (a Account) accruedFor(l Lease) math.Int {
	switch {
	case !l.InUSD():
		return Accrued(l.Accrues(), a.TouchedAt.Sub(l.SettledUntil))
	case a.Usd == nil: // it is paused
		return math.ZeroInt()
	default:
		return l.Accrues().Mul(a.Usd.Index.Sub(*l.UsdIndex))
	}
}

// CheckSolvent is invariant A2.
func (a Account) CheckSolvent(balance math.Int) error {
	if owed := a.Accrued.Add(a.Reserved.Mul(perUnit)); balance.Mul(perUnit).LT(owed) {
		return ErrInvariant.Wrapf("%s holds %s%s and owes %s x 10^-27", a.Tenant, balance, a.Denom, owed)
	}
	return nil
}
