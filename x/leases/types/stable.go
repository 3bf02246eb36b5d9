// SPDX-License-Identifier: Apache-2.0

package types

import (
	"slices"
	"strings"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
)

// MaxStableDenoms bounds stable_denoms: each is one more row of service fees that an epoch's end divides, and one more row per bucket of a
// provider's income, which a refund has to look through.
const MaxStableDenoms = 8

func (p Params) validateStable() error {
	if len(p.StableDenoms) > MaxStableDenoms {
		return ErrInvalidParams.Wrapf("stable_denoms: %d: want at most %d", len(p.StableDenoms), MaxStableDenoms)
	}
	for i, denom := range p.StableDenoms {
		if err := sdk.ValidateDenom(denom); err != nil {
			return ErrInvalidParams.Wrapf("stable_denoms[%d]: %v", i, err)
		}
		if denom == athtypes.Denom || denom == MicroUSD {
			return ErrInvalidParams.Wrapf("stable_denoms[%d]: %s is no stable denom", i, denom)
		}
		if i > 0 && denom <= p.StableDenoms[i-1] {
			return ErrInvalidParams.Wrapf("stable_denoms[%d]: %s is not after %s: want them in ascending order, each once", i, clip(denom), clip(p.StableDenoms[i-1]))
		}
	}
	return nil
}

// Accepts says whether something new may be paid in a denom: uath, or a stable one that is allowed.
func (p Params) Accepts(field, denom string) error {
	if denom == athtypes.Denom || slices.Contains(p.StableDenoms, denom) {
		return nil
	}
	return ErrForeignDenom.Wrapf("%s: %q: want %s", field, clip(denom), strings.Join(append([]string{athtypes.Denom}, p.StableDenoms...), " or "))
}

// validateDenom says whether a denom could pay for leases; whether it is allowed the parameters say.
func validateDenom(field, denom string) error {
	if denom == athtypes.Denom {
		return nil
	}
	if denom == MicroUSD {
		return ErrForeignDenom.Wrapf("%s: nobody holds %s: want %s or an allowed stable denom", field, MicroUSD, athtypes.Denom)
	}
	if err := sdk.ValidateDenom(denom); err != nil {
		return ErrForeignDenom.Wrapf("%s: %q: want %s or an allowed stable denom", field, clip(denom), athtypes.Denom)
	}
	return nil
}

// validateUath is validateCoin where only uath will do.
func validateUath(field string, coin sdk.Coin) error {
	if coin.Denom != athtypes.Denom {
		return ErrForeignDenom.Wrapf("%s: %q: want %s", field, clip(coin.Denom), athtypes.Denom)
	}
	return validateCoin(field, coin)
}

// PaysIn is the denom that pays for the order: the one that it names, else that of its price, and uath for a price in musd.
func (m *MsgCreateLease) PaysIn() string {
	price := PriceDenom(m.PriceDenom)
	switch {
	case m.PayDenom != "":
		return m.PayDenom
	case price == MicroUSD:
		return athtypes.Denom
	}
	return price
}

// validatePayer checks that what pays goes with the price, and that the deposit is in it.
func (m *MsgCreateLease) validatePayer() error {
	pays := m.PaysIn()
	if err := validateDenom("pay_denom", pays); err != nil {
		return err
	}
	if price := PriceDenom(m.PriceDenom); price != MicroUSD && pays != price {
		return ErrForeignDenom.Wrapf("pay_denom: %q with price_denom %q: want the same, or a price in %s, which a stable denom pays at par",
			clip(pays), clip(price), MicroUSD)
	}
	if m.HasDeposit() && m.Deposit.Denom != pays {
		return ErrForeignDenom.Wrapf("deposit: %q: want %q, in which the lease is paid", clip(m.Deposit.Denom), clip(pays))
	}
	return nil
}

// AtPar is the offer for who pays in a denom: a price in musd is the same number of a stable denom's smallest units.
func (o Offer) AtPar(pays string) Offer {
	if o.Denom == MicroUSD && pays != athtypes.Denom {
		o.Denom = pays
	}
	return o
}

// PriceOf is the denom in which a price that is paid in a denom compares with those in uath: musd for the stable ones.
func PriceOf(denom string) string {
	if denom == athtypes.Denom {
		return denom
	}
	return MicroUSD
}

// InUath is what an amount of a stable denom is worth at the price of a time, in uath, rounded down.
func InUath(amount math.Int, now time.Time, usd Clock) math.Int {
	return amount.Mul(slope(usd, now)).Quo(perNanosecond)
}

// Other says whether the account is in another denom than uath: its leases have their numbers from its tenant's uath account, which counts
// them.
func (a Account) Other() bool { return a.Denom != athtypes.Denom }

// Counts are the leases of a tenant that bounds go for.
type Counts struct{ Open, Unstarted uint32 }

// Less is the counts without others.
func (c Counts) Less(d Counts) Counts { return Counts{c.Open - d.Open, c.Unstarted - d.Unstarted} }

// Own counts the account's own leases.
func (a Account) Own() Counts { return Counts{a.OpenLeases, a.Unstarted} }

// All counts a uath account's own leases and its tenant's others.
func (a Account) All() Counts {
	return Counts{a.OpenLeases + a.OtherLeases, a.Unstarted + a.OtherUnstarted}
}

// Follow takes over into a tenant's uath account what has changed in one of its others: the numbers that were used, and its counts, which
// were seen before.
func (a Account) Follow(other Account, seen Counts) Account {
	a.NextNumber = max(a.NextNumber, other.NextNumber)
	a.OtherLeases = a.OtherLeases + other.OpenLeases - seen.Open
	a.OtherUnstarted = a.OtherUnstarted + other.Unstarted - seen.Unstarted
	return a
}

// TenantSum adds up what a uath account must say of all leases of its tenant (invariant A1); nil is the sum over none.
type TenantSum struct {
	others Counts
	next   uint64
}

// Add adds an open lease.
func (s *TenantSum) Add(l Lease) {
	s.next = max(s.next, l.Number+1)
	if l.Denom == athtypes.Denom && l.Credit == nil {
		return
	}
	s.others.Open++
	if l.State == LeaseState_LEASE_STATE_ACTIVE {
		s.others.Unstarted++
	}
}

// Check compares.
func (s *TenantSum) Check(a Account) error {
	if s == nil {
		s = &TenantSum{}
	}
	switch {
	case a.OtherLeases != s.others.Open || a.OtherUnstarted != s.others.Unstarted:
		return ErrInvariant.Wrapf("%s counts %d leases that its other accounts or gateways pay, %d unstarted; it has %d, %d",
			a.Tenant, a.OtherLeases, a.OtherUnstarted, s.others.Open, s.others.Unstarted)
	case a.NextNumber < s.next:
		return ErrInvariant.Wrapf("next number of %s is %d, a lease has %d", a.Tenant, a.NextNumber, s.next-1)
	}
	return nil
}

// TakeHeld takes what an account's channels hold of its places out of what is held of all (HeldInChannels): channels are paid in uath.
func TakeHeld(held map[string]map[Payer]math.Int, tenant, denom string) map[Payer]math.Int {
	if denom != athtypes.Denom {
		return nil
	}
	mine := held[tenant]
	delete(held, tenant)
	return mine
}

// ShareRoundedUp is what a part of a whole makes of an amount; nothing where there is no whole.
func ShareRoundedUp(amount, part, whole math.Int) math.Int {
	if !whole.IsPositive() {
		return math.ZeroInt()
	}
	return amount.Mul(part).Add(whole).SubRaw(1).Quo(whole)
}
