// SPDX-License-Identifier: Apache-2.0

package types

import (
	"bytes"
	"cmp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

const (
	// MaxGatewayName bounds a gateway's name.
	MaxGatewayName = 64
	// MaxCustomers bounds max_customers; a line is 300 bytes of state, and no work of a block grows with them.
	MaxCustomers = 1_000_000
	// MinFloatHorizon and MaxFloatHorizon bound float_horizon: below an hour the queue could not warn in time, and beyond a month a float would
	// be most of what a gateway has.
	MinFloatHorizon, MaxFloatHorizon = time.Hour, 30 * 24 * time.Hour
	// MinFloatRatio and MaxFloatRatio bound float_ratio_ppm: below one the horizon would not be covered, and ATH that falls by nine tenths in it
	// is nobody's to insure.
	MinFloatRatio, MaxFloatRatio = 1_000_000, 10_000_000
	// MaxGatewayLeases bounds max_gateway_leases: a float that runs dry is settled as a whole in one block.
	MaxGatewayLeases = 10_000
)

// FloatCover is for how long a float has to pay for all leases of its customers at the present price, before one more is opened or money
// taken out. At the defaults, 1.5 x 24 h, it still pays for a day when ATH has lost a third.
func (p Params) FloatCover() time.Duration {
	cover := time.Duration(int64(p.FloatHorizon) / 1_000_000 * int64(p.FloatRatioPpm))
	return max(cover, p.MinRunway)
}

func (p Params) validateGateways() error {
	switch {
	case p.FloatHorizon < MinFloatHorizon || p.FloatHorizon > MaxFloatHorizon:
		return ErrInvalidParams.Wrapf("float_horizon: %s: want %s to %s", p.FloatHorizon, MinFloatHorizon, MaxFloatHorizon)
	case p.FloatRatioPpm < MinFloatRatio || p.FloatRatioPpm > MaxFloatRatio:
		return ErrInvalidParams.Wrapf("float_ratio_ppm: %d: want %d to %d", p.FloatRatioPpm, MinFloatRatio, MaxFloatRatio)
	case p.MaxGatewayLeases < 1 || p.MaxGatewayLeases > MaxGatewayLeases:
		return ErrInvalidParams.Wrapf("max_gateway_leases: %d: want 1 to %d", p.MaxGatewayLeases, MaxGatewayLeases)
	}
	return nil
}

// Row is where x/ath holds the float.
func (g Gateway) Row() athtypes.Row {
	return athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_FLOAT, Owner: g.Address, Denom: athtypes.Denom}
}

// Register sets what governance says of a gateway.
func (g Gateway) Register(m *MsgRegisterGateway) Gateway {
	g.Name, g.MaxCustomers, g.MaxRate, g.Removed = m.Name, m.MaxCustomers, m.MaxRate, false
	return g
}

// Needed is what the float must hold for its present leases to last for cover, at the present price: what is accrued and reserved is in it. The
// float is touched.
func (g Gateway) Needed(cover time.Duration, now time.Time, usd Clock) math.Int {
	return g.Float.Missing(math.ZeroInt(), NoRates(), math.ZeroInt(), cover, now, usd)
}

// Withdrawable is what of a touched float its leases don't need.
func (g Gateway) Withdrawable(balance math.Int, cover time.Duration, now time.Time, usd Clock) math.Int {
	return math.MaxInt(math.ZeroInt(), balance.Sub(g.Needed(cover, now, usd)))
}

// Carries says whether a touched float pays for more, of which so many leases are new: at a rate in musd, with a reserve in uath.
func (g Gateway) Carries(balance math.Int, leases int, rate, reserve math.Int, p Params, now time.Time, usd Clock) error {
	switch sum := g.Float.Rates().USD.Add(rate); {
	case g.Removed:
		return ErrGatewayRemoved.Wrapf("gateway: governance has removed %s (%s): lease with your own account", g.Name, g.Address)
	case leases > 0 && int(g.Float.OpenLeases)+leases > int(p.MaxGatewayLeases):
		return ErrGatewayLimit.Wrapf("gateway: %d leases of %s are open and %d would be more than the %d that may be: close some, or ask for another gateway",
			g.Float.OpenLeases, g.Name, int(g.Float.OpenLeases)+leases, p.MaxGatewayLeases)
	case sum.GT(g.MaxRate):
		return ErrGatewayLimit.Wrapf("gateway: %s per hour for all leases of %s, of which governance allows %s: lease something cheaper, or ask for another gateway",
			ReadableIn(MicroUSD, PerHour(sum)), g.Name, ReadableIn(MicroUSD, PerHour(g.MaxRate)))
	}
	missing := g.Float.Missing(balance, Rates{Units: math.ZeroInt(), USD: rate}, reserve, p.FloatCover(), now, usd)
	if missing.IsPositive() {
		return ErrFloatTooSmall.Wrapf("gateway: the float of %s is %s short of what all leases of its customers cost in %s: tell it (athd gateway fund), or lease with your own account",
			g.Name, Readable(missing), p.FloatCover())
	}
	return nil
}

// CarriedLease is a lease of a float with what decides when it pauses or ends: that of its customer, and its own.
type CarriedLease struct {
	Lease Lease
	// Priority is that of the customer's line.
	Priority uint32
}

// ShedOrder is in which order leases of a dry float pause or end: those of the customers of the lowest priority first, the newest first among
// equals. Which of its leases a customer loses with each of them its own priorities decide, the newest first among equals. So no customer
// keeps more by saying that all of its leases matter most. Leases are in order of customer and number.
func ShedOrder(leases []CarriedLease) []Lease {
	// The places in the order, taken by the customers.
	places := slices.Clone(leases)
	slices.SortStableFunc(places, func(a, b CarriedLease) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), b.Lease.CreatedAt.Compare(a.Lease.CreatedAt),
			cmp.Compare(a.Lease.Tenant, b.Lease.Tenant), cmp.Compare(b.Lease.Number, a.Lease.Number))
	})
	// What each customer puts there: its own leases from next on, in its own order.
	own := slices.Clone(leases)
	slices.SortFunc(own, func(a, b CarriedLease) int {
		return cmp.Or(cmp.Compare(a.Lease.Tenant, b.Lease.Tenant), cmp.Compare(a.Lease.Priority, b.Lease.Priority), cmp.Compare(b.Lease.Number, a.Lease.Number))
	})
	next := make(map[string]int)
	for i, c := range own {
		if i == 0 || own[i-1].Lease.Tenant != c.Lease.Tenant {
			next[c.Lease.Tenant] = i
		}
	}
	order := make([]Lease, len(places))
	for i, c := range places {
		order[i] = own[next[c.Lease.Tenant]].Lease
		next[c.Lease.Tenant]++
	}
	return order
}

// Validate checks what can be checked without state.
func (m *MsgRegisterGateway) Validate() error {
	if err := validateGatewayName(m.Name); err != nil {
		return err
	}
	if m.MaxCustomers < 1 || m.MaxCustomers > MaxCustomers {
		return ErrInvalidGateway.Wrapf("max_customers: %d: want 1 to %d", m.MaxCustomers, MaxCustomers)
	}
	return validateRate("max_rate", m.MaxRate)
}

func validateGatewayName(name string) error {
	if name == "" || len(name) > MaxGatewayName || !utf8.ValidString(name) {
		return ErrInvalidGateway.Wrapf("name: %d bytes: want 1 to %d of UTF-8", len(name), MaxGatewayName)
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return ErrInvalidGateway.Wrapf("name: %q: want printable characters", r)
		}
	}
	return nil
}

// Validate checks what can be checked without state.
func (m *MsgFundFloat) Validate() error { return validatePositive("amount", m.Amount) }

// Validate checks what can be checked without state.
func (m *MsgWithdrawFloat) Validate() error { return validateUath("amount", m.Amount) }

// Validate checks what can be checked without state.
func (m *MsgGrantCredit) Validate(now time.Time) error {
	switch {
	case m.Limit.IsNil() || !m.Limit.IsPositive() || m.Limit.GT(MaxAmount):
		return ErrInvalidCredit.Wrapf("limit: %s: want 1 to %s, in musd; to end a line, revoke it", show(m.Limit), MaxAmount)
	case m.ExpiresAt != nil && (!m.ExpiresAt.After(now) || !validTime(*m.ExpiresAt)):
		return ErrInvalidCredit.Wrapf("expires_at: %s: want later than %s, or nothing for never", m.ExpiresAt, now)
	case !m.MaxRate.IsNil() && (m.MaxRate.IsNegative() || m.MaxRate.GT(MaxRate)):
		return ErrInvalidCredit.Wrapf("max_rate: %s: want 0 (any) to %s", show(m.MaxRate), MaxRate)
	case m.Priority > MaxPriority:
		return ErrInvalidCredit.Wrapf("priority: %d: want 0 to %d", m.Priority, MaxPriority)
	}
	return nil
}

// FloatSum adds up what a float must say of its customers' leases (invariant A1).
type FloatSum struct{ AccountSum }

// Check compares. Numbers of leases are their tenants', and say nothing here.
func (s *FloatSum) Check(meter Account) error {
	meter.NextNumber = ^uint64(0)
	return s.AccountSum.Check(meter)
}

// validateGateways checks gateways and credit lines: bounds, order, and that their meters agree with the leases (invariant A1).
func (g GenesisState) validateGateways() error {
	floats, lines := map[string]*FloatSum{}, map[[2]string]*FloatSum{}
	for _, lease := range g.Leases {
		if lease.Credit == nil {
			continue
		}
		key := [2]string{lease.Tenant, lease.Credit.Gateway}
		if floats[lease.Credit.Gateway] == nil {
			floats[lease.Credit.Gateway] = &FloatSum{}
		}
		if lines[key] == nil {
			lines[key] = &FloatSum{}
		}
		floats[lease.Credit.Gateway].Add(lease)
		lines[key].Add(lease.OnCredit())
	}
	customers := map[string]uint32{}
	var last []byte
	for _, line := range g.CreditLines {
		if err := line.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("credit_lines: %s of %s: %v", line.Customer(), line.Gateway, err)
		}
		at := slices.Concat(sdk.MustAccAddressFromBech32(line.Customer()), sdk.MustAccAddressFromBech32(line.Gateway))
		if bytes.Compare(last, at) >= 0 {
			return ErrInvalidGenesis.Wrapf("credit_lines: %s of %s is out of order", line.Customer(), line.Gateway)
		}
		last = at
		key := [2]string{line.Customer(), line.Gateway}
		if err := sumFor(lines, key).Check(line.Account); err != nil {
			return ErrInvalidGenesis.Wrapf("credit_lines: %v", err)
		}
		delete(lines, key)
		customers[line.Gateway]++
	}
	last = nil
	for _, gateway := range g.Gateways {
		if err := gateway.validate(); err != nil {
			return ErrInvalidGenesis.Wrapf("gateways: %s: %v", gateway.Address, err)
		}
		at := sdk.MustAccAddressFromBech32(gateway.Address)
		if bytes.Compare(last, at) >= 0 {
			return ErrInvalidGenesis.Wrapf("gateways: %s is out of order", gateway.Address)
		}
		last = at
		if err := sumFor(floats, gateway.Address).Check(gateway.Float); err != nil {
			return ErrInvalidGenesis.Wrapf("gateways: %v", err)
		}
		if customers[gateway.Address] != gateway.Customers {
			return ErrInvalidGenesis.Wrapf("gateways: %s counts %d lines, it has %d", gateway.Address, gateway.Customers, customers[gateway.Address])
		}
		delete(floats, gateway.Address)
		delete(customers, gateway.Address)
	}
	if len(floats)+len(lines)+len(customers) != 0 {
		return ErrInvalidGenesis.Wrapf("gateways: %d floats and %d lines of leases, or the gateways of %d, are missing", len(floats), len(lines), len(customers))
	}
	return nil
}

func sumFor[K comparable](sums map[K]*FloatSum, key K) *FloatSum {
	if sum := sums[key]; sum != nil {
		return sum
	}
	return &FloatSum{}
}

func (g Gateway) validate() error {
	m := MsgRegisterGateway{Name: g.Name, MaxCustomers: g.MaxCustomers, MaxRate: g.MaxRate}
	if err := m.Validate(); err != nil {
		return err
	}
	if g.Float.Tenant != g.Address || g.Float.Denom != athtypes.Denom {
		return ErrInvalidGateway.Wrapf("float: of %q in %q: want the gateway's, in %s", clip(g.Float.Tenant), clip(g.Float.Denom), athtypes.Denom)
	}
	return g.Float.validateMeter()
}

func (c CreditLine) validate() error {
	if _, err := sdk.AccAddressFromBech32(c.Gateway); err != nil {
		return err
	}
	for _, amount := range []math.Int{c.Limit, c.Spent} {
		if amount.IsNil() || amount.IsNegative() || amount.GT(MaxAmount) {
			return ErrInvalidCredit.Wrapf("limit, spent: %s: want 0 to %s", show(amount), MaxAmount)
		}
	}
	switch {
	case c.Account.Denom != MicroUSD:
		return ErrInvalidCredit.Wrapf("account: in %q: want %s", clip(c.Account.Denom), MicroUSD)
	case c.MaxRate.IsNil() || c.MaxRate.IsNegative() || c.MaxRate.GT(MaxRate) || c.Priority > MaxPriority:
		return ErrInvalidCredit.Wrapf("max_rate, priority: %s, %d", show(c.MaxRate), c.Priority)
	case c.ExpiresAt != nil && !validTime(*c.ExpiresAt), c.Revoked && (c.ExpiresAt == nil || c.Account.OpenLeases == 0):
		return ErrInvalidCredit.Wrapf("expires_at, revoked: %v, %t with %d leases", c.ExpiresAt, c.Revoked, c.Account.OpenLeases)
	}
	if err := c.Account.validateMeter(); err != nil {
		return err
	}
	return c.Account.CheckSolvent(c.Left())
}

// validateMeter checks an account that stands for a float or a credit line.
func (a Account) validateMeter() error {
	if a.Depositors != 0 || a.Refill != "" || a.OtherLeases != 0 || a.OtherUnstarted != 0 {
		return ErrInvalidGateway.Wrap("depositors, refill, other_leases: want none of a float or a credit line")
	}
	denom := a.Denom
	if denom == MicroUSD { // which no account has, and is no coin
		a.Denom = athtypes.Denom
		if a.Usd != nil {
			return ErrInvalidCredit.Wrap("usd: a credit line has no second meter")
		}
	}
	return a.validate()
}
