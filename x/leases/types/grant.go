// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// MinRefillPeriod and MaxRefillPeriod bound the period of a refill: shorter than the last warning makes no sense, and longer than a year
	// is what the limit is for.
	MinRefillPeriod, MaxRefillPeriod = time.Hour, 366 * 24 * time.Hour
)

// Payer is who deposits under the grant.
func (g DepositGrant) Payer() Payer {
	return Payer{g.Granter, DepositSource_DEPOSIT_SOURCE_GRANT, g.Nonce}
}

// Expired says whether it may be used no longer.
func (g DepositGrant) Expired(now time.Time) bool {
	return g.ExpiresAt != nil && !now.Before(*g.ExpiresAt)
}

// Use takes an amount off the limit.
func (g DepositGrant) Use(amount math.Int, now time.Time) (DepositGrant, error) {
	if g.Expired(now) {
		return g, ErrGrantExpired.Wrapf("granter: the grant of %s ended at %s: ask for another", g.Granter, g.ExpiresAt)
	}
	if amount.GT(g.Limit.Amount) {
		return g, ErrGrantLimit.Wrapf("amount: %s of %s that are left of the grant of %s", Readable(amount), Readable(g.Limit.Amount), g.Granter)
	}
	g.Limit.Amount = g.Limit.Amount.Sub(amount)
	return g, nil
}

// Return raises the limit by what came back of a deposit under the grant with nonce; false where that is another grant, or it has
// expired.
func (g DepositGrant) Return(nonce uint64, amount math.Int, now time.Time) (DepositGrant, bool) {
	if nonce != g.Nonce || g.Expired(now) {
		return g, false
	}
	g.Limit.Amount = g.Limit.Amount.Add(amount)
	return g, true
}

// NextRefill takes the next refill off limit and period, and returns how much it is.
func (g DepositGrant) NextRefill(now time.Time) (DepositGrant, math.Int, error) {
	if g.Refill == nil {
		return g, math.ZeroInt(), ErrNoRefill.Wrapf("granter: the grant of %s is without refills: set-refill to another, or none", g.Granter)
	}
	if g.PeriodFrom == nil || !now.Before(g.PeriodFrom.Add(g.Refill.Period)) {
		g.PeriodFrom, g.Refilled = &now, math.ZeroInt()
	}
	amount := math.MinInt(g.Refill.Amount, math.MinInt(g.Limit.Amount, g.Refill.Cap.Sub(g.Refilled)))
	if !amount.IsPositive() && !g.Expired(now) {
		return g, amount, ErrGrantLimit.Wrapf("granter: %s are left of the grant of %s, and %s of %s per %s were refilled since %s",
			Readable(g.Limit.Amount), g.Granter, Readable(g.Refilled), Readable(g.Refill.Cap), g.Refill.Period, g.PeriodFrom)
	}
	g.Refilled = g.Refilled.Add(amount)
	g, err := g.Use(amount, now)
	return g, amount, err
}

// Dry says whether an account is within its first warning of running dry: then it is refilled, or its tenant told.
func (a Account) Dry(balance math.Int, now time.Time, usd Clock) bool {
	end, ok := a.ExhaustedAt(balance, usd)
	return ok && end.Sub(now) <= warnings[0]+time.Second // queues go by whole seconds, and look a little early
}

// validate checks a refill.
func (r *AutoRefill) validate() error {
	if r == nil {
		return nil
	}
	for _, amount := range []math.Int{r.Keep, r.Amount, r.Cap} {
		if amount.IsNil() || !amount.IsPositive() || amount.GT(MaxAmount) {
			return ErrInvalidGrant.Wrapf("refill.keep, refill.amount, refill.cap: %s: want 1 to %s", show(amount), MaxAmount)
		}
	}
	if r.Cap.LT(r.Amount) {
		return ErrInvalidGrant.Wrapf("refill.cap: %s: want at least the amount of one refill, %s", r.Cap, r.Amount)
	}
	if r.Period < MinRefillPeriod || r.Period > MaxRefillPeriod {
		return ErrInvalidGrant.Wrapf("refill.period: %s: want %s to %s", r.Period, MinRefillPeriod, MaxRefillPeriod)
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgGrantDeposit) Validate(now time.Time) error {
	if err := validatePositive("limit", m.Limit); err != nil {
		return err
	}
	if m.ExpiresAt != nil && (!m.ExpiresAt.After(now) || !validTime(*m.ExpiresAt)) {
		return ErrInvalidGrant.Wrapf("expires_at: %s: want later than %s, or nothing for never", m.ExpiresAt, now)
	}
	return m.Refill.validate()
}

// Validate checks what can be checked without state.
func (m *MsgReclaimDeposit) Validate() error {
	if DepositSource_name[int32(m.Source)] == "" {
		return ErrInvalidField.Wrapf("source: %d: want bank, grant or parent, or nothing for all", m.Source)
	}
	return validateCoin("amount", m.Amount)
}

// Validate checks what can be checked without state.
func (m *MsgSetSubAccount) Validate() error { return validateUath("limit", m.Limit) }

// Validate checks what can be checked without state.
func (m *MsgFundSubAccount) Validate() error { return validatePositive("amount", m.Amount) }

// validatePositive accepts uath amounts from 1.
func validatePositive(field string, coin sdk.Coin) error { return positive(field, coin, validateUath) }

func positive(field string, coin sdk.Coin, validate func(string, sdk.Coin) error) error {
	if err := validate(field, coin); err != nil {
		return err
	}
	if !coin.Amount.IsPositive() {
		return ErrInvalidAmount.Wrapf("%s: 0: want more than nothing", field)
	}
	return nil
}
