// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"fmt"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// pair orders grants and sub-accounts as their keys are ordered.
type pair struct{ first, second sdk.AccAddress }

func parsePair(first, second string) (p pair, err error) {
	if p.first, err = sdk.AccAddressFromBech32(first); err != nil {
		return p, err
	}
	if p.second, err = sdk.AccAddressFromBech32(second); err != nil {
		return p, err
	}
	if p.first.Equals(p.second) {
		return p, fmt.Errorf("%s twice", first)
	}
	return p, nil
}

func (p pair) before(q pair) bool {
	if c := bytes.Compare(p.first, q.first); c != 0 {
		return c < 0
	}
	return bytes.Compare(p.second, q.second) < 0
}

// validateDeposits checks order and bounds, that accounts know how many places they have, that places hold in channels what the channels
// say (invariant D3), and that no nonce can be used again.
func (g GenesisState) validateDeposits() error {
	places := make(map[string]int, len(g.Depositors))
	held := HeldInChannels(g.Channels)
	var last sdk.AccAddress
	lastDenom := ""
	for _, d := range g.Depositors {
		tenant, err := sdk.AccAddressFromBech32(d.Tenant)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("depositors: tenant: %v", err)
		}
		if c := bytes.Compare(last, tenant); c > 0 || c == 0 && lastDenom >= d.Denom {
			return ErrInvalidGenesis.Wrapf("depositors: %s is out of order", d.Tenant)
		}
		if err := d.Validate(TakeHeld(held, d.Tenant, d.Denom)); err != nil {
			return ErrInvalidGenesis.Wrapf("depositors: %s: %v", d.Tenant, err)
		}
		last, lastDenom, places[d.Tenant+"/"+d.Denom] = tenant, d.Denom, len(d.Places)
	}
	for _, c := range g.Channels {
		if held[c.Tenant] != nil {
			return ErrInvalidGenesis.Wrapf("depositors: channel %s has sources and its account none", c.ID())
		}
	}
	for _, a := range g.Accounts {
		key := a.Tenant + "/" + a.Denom
		if int(a.Depositors) != places[key] {
			return ErrInvalidGenesis.Wrapf("accounts: %s has %d depositors: want %d", a.Tenant, a.Depositors, places[key])
		}
		if _, err := sdk.AccAddressFromBech32(a.Refill); a.Refill != "" && err != nil {
			return ErrInvalidGenesis.Wrapf("accounts: refill of %s: %v", a.Tenant, err)
		}
		delete(places, key)
	}
	if len(places) != 0 {
		return ErrInvalidGenesis.Wrapf("depositors: %d tenants have no account", len(places))
	}
	return g.validateGrants()
}

func (g GenesisState) validateGrants() error {
	next := make(map[string]uint64, len(g.GrantCounters))
	var lastGranter sdk.AccAddress
	for _, c := range g.GrantCounters {
		granter, err := sdk.AccAddressFromBech32(c.Granter)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("grant_counters: granter: %v", err)
		}
		if bytes.Compare(lastGranter, granter) >= 0 || c.Next < 2 {
			return ErrInvalidGenesis.Wrapf("grant_counters: %s is out of order, or %d is not above the first nonce, 1", c.Granter, c.Next)
		}
		lastGranter, next[c.Granter] = granter, c.Next
	}
	var last pair
	for _, grant := range g.DepositGrants {
		at, err := parsePair(grant.Grantee, grant.Granter)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("deposit_grants: %v", err)
		}
		if !last.before(at) {
			return ErrInvalidGenesis.Wrapf("deposit_grants: %s to %s is out of order", grant.Granter, grant.Grantee)
		}
		if err := grant.validate(next[grant.Granter]); err != nil {
			return ErrInvalidGenesis.Wrapf("deposit_grants: %s to %s: %v", grant.Granter, grant.Grantee, err)
		}
		last = at
	}
	last = pair{}
	for _, s := range g.SubAccounts {
		at, err := parsePair(s.Parent, s.Sub)
		if err != nil {
			return ErrInvalidGenesis.Wrapf("sub_accounts: %v", err)
		}
		if err := validatePositive("limit", s.Limit); err != nil || !last.before(at) {
			return ErrInvalidGenesis.Wrapf("sub_accounts: %s of %s is out of order, or its limit is wrong (%v)", s.Sub, s.Parent, err)
		}
		last = at
	}
	return nil
}

func (g DepositGrant) validate(next uint64) error {
	if err := validateUath("limit", g.Limit); err != nil {
		return err
	}
	switch {
	case g.Nonce == 0 || g.Nonce >= next:
		return fmt.Errorf("nonce: %d: want 1 or more, and below the counter, %d", g.Nonce, next)
	case g.Refilled.IsNil() || g.Refilled.IsNegative() || g.Refilled.GT(MaxAmount):
		return fmt.Errorf("refilled: %s: want 0 to %s", show(g.Refilled), MaxAmount)
	case g.ExpiresAt != nil && !validTime(*g.ExpiresAt), g.PeriodFrom != nil && !validTime(*g.PeriodFrom):
		return fmt.Errorf("expires_at, period_from: %s, %s: want times from 1970 to 2261", g.ExpiresAt, g.PeriodFrom)
	}
	return g.Refill.validate()
}

// HeldInChannels adds up, for each tenant, what open channels have of each place; nothing for a tenant whose channels are all its own.
func HeldInChannels(channels []Channel) map[string]map[Payer]math.Int {
	held := map[string]map[Payer]math.Int{}
	for _, c := range channels {
		for _, s := range c.Sources {
			if held[c.Tenant] == nil {
				held[c.Tenant] = map[Payer]math.Int{}
			}
			sum, ok := held[c.Tenant][s.Payer()]
			if !ok {
				sum = math.ZeroInt()
			}
			held[c.Tenant][s.Payer()] = sum.Add(s.Amount)
		}
	}
	return held
}

// Validate checks invariants D1 and D3; held is what open channels have of each place.
func (d Depositors) Validate(held map[Payer]math.Int) error {
	if err := validateDenom("denom", d.Denom); err != nil {
		return err
	}
	if n := len(d.Places); n == 0 || n > MaxDepositors {
		return fmt.Errorf("places: %d: want 1 to %d", n, MaxDepositors)
	}
	if d.OwnSpent.IsNil() || d.OwnSpent.IsNegative() {
		return fmt.Errorf("own_spent: %s: want no less than nothing", show(d.OwnSpent))
	}
	left, seen := math.ZeroInt(), 0
	for i, p := range d.Places {
		if _, err := sdk.AccAddressFromBech32(p.Depositor); err != nil {
			return fmt.Errorf("places[%d].depositor: %w", i, err)
		}
		for _, amount := range []math.Int{p.Left, p.Held, p.Spent} {
			if amount.IsNil() || amount.IsNegative() || amount.GT(MaxAmount) {
				return fmt.Errorf("places[%d]: left, held, spent: %s: want 0 to %s", i, show(amount), MaxAmount)
			}
		}
		switch grant := p.Source == DepositSource_DEPOSIT_SOURCE_GRANT; {
		case p.Source == DepositSource_DEPOSIT_SOURCE_UNSPECIFIED || DepositSource_name[int32(p.Source)] == "" || grant != (p.Nonce != 0):
			return fmt.Errorf("places[%d]: source %s with nonce %d", i, p.Source, p.Nonce)
		case d.find(p.Payer()) != i:
			return fmt.Errorf("places[%d]: %s has another", i, p.Depositor)
		}
		want, ok := held[p.Payer()]
		if !ok {
			want = math.ZeroInt()
		} else {
			seen++
		}
		if !p.Held.Equal(want) {
			return fmt.Errorf("places[%d]: holds %s in channels, which have %s", i, p.Held, want)
		}
		left = left.Add(p.Left)
	}
	if d.Balance.IsNil() || d.Balance.IsNegative() || d.Balance.LT(left) {
		return fmt.Errorf("balance: %s: want at least the places' %s", show(d.Balance), left)
	}
	if seen != len(held) {
		return fmt.Errorf("places: channels have money of %d that have none", len(held)-seen)
	}
	return nil
}
