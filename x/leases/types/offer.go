// SPDX-License-Identifier: Apache-2.0

package types

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

const (
	// MaxTenantList bounds allow and deny lists, which are read with the offer on every match.
	MaxTenantList = 32
	// MaxMinCharge bounds the minimum charge: an hour is what a cold start of a large model may cost a provider.
	MaxMinCharge = time.Hour
	// MinSupplyTerm is the shortest bound of a lease with which an offer counts as supply: one that only leases of a minute fit is
	// there for the reward and not for tenants.
	MinSupplyTerm = time.Hour
	// MaxName bounds names of classes and regions as x/providers does.
	MaxName = 32
)

// Listed says whether the offer of a Container without a lease stands in the price index.
func (o Offer) Listed() bool { return o.Public() && !o.Delisted }

// Public says whether anyone may take the offer; only public offers are in the price index and earn capacity rewards.
func (o Offer) Public() bool { return len(o.Allowed) == 0 && len(o.Denied) == 0 }

// Supplies says whether tenants can take the offer on demand for more than an instant, and without agreeing to more than that; its price is
// for its class's ceiling to judge. What can only be reserved, in advance and for long, is no supply that others could have now.
func (o Offer) Supplies() bool {
	return o.Public() && !o.ReservedOnly && (o.MaxTerm == 0 || o.MaxTerm >= MinSupplyTerm) && o.MinTerm <= MinSupplyTerm
}

// Reserve is what the account holds back for the minimum charge, in whole units: what it costs at the price of now.
func (o Offer) Reserve(now time.Time, usd Clock) math.Int {
	return o.Price(o.Rate, o.MinCharge, now, usd)
}

// Validate checks what can be checked without state; minCharge is the parameter.
func (o Offer) Validate(minCharge time.Duration) error {
	if o.ContainerId == 0 {
		return ErrInvalidOffer.Wrap("container_id: want a Container's id, from 1")
	}
	if err := validatePriceDenom(o.Denom); err != nil || o.Denom == "" {
		return ErrForeignDenom.Wrapf("denom: %q of container %d: want %s, %s or an allowed stable denom", clip(o.Denom), o.ContainerId, athtypes.Denom, MicroUSD)
	}
	if err := o.validateTerms(); err != nil {
		return err
	}
	if !o.ReservedOnly {
		if err := validateRate("rate", o.Rate); err != nil {
			return ErrInvalidOffer.Wrapf("container %d: %v", o.ContainerId, err)
		}
		if err := o.validateIdleRates(); err != nil {
			return err
		}
	}
	if o.MinCharge < minCharge || o.MinCharge > MaxMinCharge {
		return ErrInvalidOffer.Wrapf("min_charge: %s of container %d: want %s to %s", o.MinCharge, o.ContainerId, minCharge, MaxMinCharge)
	}
	if len(o.Class) > MaxName {
		return ErrInvalidOffer.Wrapf("class: %d bytes for container %d: want at most %d", len(o.Class), o.ContainerId, MaxName)
	}
	if err := validateTenants("allowed", o.Allowed); err != nil {
		return ErrInvalidOffer.Wrapf("container %d: %v", o.ContainerId, err)
	}
	if err := validateTenants("denied", o.Denied); err != nil {
		return ErrInvalidOffer.Wrapf("container %d: %v", o.ContainerId, err)
	}
	return nil
}

// validateIdleRates checks what the offer costs while nothing runs.
func (o Offer) validateIdleRates() error {
	for field, rate := range []math.Int{o.StandbyRate, o.StorageRate} {
		if !rate.IsNil() && (rate.IsNegative() || rate.GT(o.Rate)) {
			return ErrInvalidOffer.Wrapf("%s: %s of container %d: want 0 to the rate", []string{"standby_rate", "storage_rate"}[field], show(rate), o.ContainerId)
		}
	}
	return nil
}

// Normal is the offer with what was left out said as 0.
func (o Offer) Normal() Offer {
	if o.Rate.IsNil() {
		o.Rate = math.ZeroInt()
	}
	if o.StandbyRate.IsNil() {
		o.StandbyRate = math.ZeroInt()
	}
	if o.StorageRate.IsNil() {
		o.StorageRate = math.ZeroInt()
	}
	return o
}

func validateTenants(field string, tenants []string) error {
	if len(tenants) > MaxTenantList {
		return ErrInvalidOffer.Wrapf("%s: %d tenants: want at most %d", field, len(tenants), MaxTenantList)
	}
	for i, tenant := range tenants {
		if _, err := sdk.AccAddressFromBech32(tenant); err != nil {
			return ErrInvalidOffer.Wrapf("%s[%d]: %v", field, i, err)
		}
		if slices.Contains(tenants[:i], tenant) {
			return ErrInvalidOffer.Wrapf("%s[%d]: %s stands twice", field, i, tenant)
		}
	}
	return nil
}

// Misfit is the dimension in which a Container fails a demand; Fits where it does not.
type Misfit uint8

// The dimensions in which a match can fail, in the order in which they are checked.
const (
	Fits Misfit = iota
	MisfitUnknown
	MisfitNoOffer
	MisfitMode
	MisfitDenom
	MisfitPrice
	MisfitTenant
	MisfitTerm
	MisfitMinCharge
	MisfitClass
	MisfitCount
	MisfitVRAM
	MisfitRegion
	MisfitCPU
	MisfitMemory
	MisfitDisk
	MisfitBusy
	misfits // how many there are
)

var misfitNames = [misfits]string{
	"fits", "no such container", "no offer", "not offered in this mode", "priced in another denom", "price above max_rate", "closed to this tenant", "duration outside its terms",
	"minimum charge above max_min_charge", "class",
	"count", "vram_mib", "region", "cpu_milli", "memory_mib", "disk_mib", "not free",
}

// String names the dimension.
func (m Misfit) String() string { return misfitNames[m] }

// Demand is what a tenant asks for.
type Demand struct {
	Tenant string
	// Mode of the lease.
	Mode LeaseMode
	// Denom is that of the price, and of MaxRate.
	Denom    string
	MaxRate  math.Int
	Duration time.Duration
	// MaxMinCharge is the longest minimum charge; 0 is any.
	MaxMinCharge time.Duration
	Requirement  Requirement
}

// Offer says whether an offer, as the demand's mode sees it, serves the demand. A lease without an agreed duration does not fit an offer with a longest
// one: it would end by surprise.
func (d Demand) Offer(o Offer) Misfit {
	switch {
	case o.Denom != d.Denom:
		return MisfitDenom
	case o.Rate.GT(d.MaxRate):
		return MisfitPrice
	case len(o.Allowed) > 0 && !slices.Contains(o.Allowed, d.Tenant), slices.Contains(o.Denied, d.Tenant):
		return MisfitTenant
	case o.MaxTerm > 0 && (d.Duration == 0 || d.Duration > o.MaxTerm), d.Duration > 0 && d.Duration < max(o.MinTerm, o.MinCharge):
		return MisfitTerm
	case d.MaxMinCharge > 0 && o.MinCharge > d.MaxMinCharge:
		return MisfitMinCharge
	}
	return Fits
}

// Container says whether a Container serves the demand.
func (d Demand) Container(c providertypes.Container) Misfit {
	r := d.Requirement
	switch {
	case r.Class != "" && r.Class != c.Class:
		return MisfitClass
	case r.Count > c.Count:
		return MisfitCount
	case r.VramMib > c.Spec.VramMib:
		return MisfitVRAM
	case r.Region != "" && r.Region != c.Region:
		return MisfitRegion
	case r.CpuMilli > c.Spec.CpuMilli:
		return MisfitCPU
	case r.MemoryMib > c.Spec.MemoryMib:
		return MisfitMemory
	case r.DiskMib > c.Spec.DiskMib:
		return MisfitDisk
	}
	return Fits
}

// requirementDomain separates requirement hashes from all others.
const requirementDomain = "ath/requirement/v1"

// Hash is what an Indexer's quote repeats of the requirement that it answered, 32 bytes.
func (r Requirement) Hash() []byte {
	h := newHasher(requirementDomain)
	h.bytes([]byte(r.Class))
	h.number(uint64(r.Count))
	h.number(r.VramMib)
	h.bytes([]byte(r.Region))
	h.number(r.CpuMilli)
	h.number(r.MemoryMib)
	h.number(r.DiskMib)
	return h.sum()
}

// Validate checks sizes.
func (r Requirement) Validate() error {
	if len(r.Class) > MaxName {
		return ErrInvalidField.Wrapf("requirement.class: %d bytes: want at most %d", len(r.Class), MaxName)
	}
	if len(r.Region) > MaxName {
		return ErrInvalidField.Wrapf("requirement.region: %d bytes: want at most %d", len(r.Region), MaxName)
	}
	return nil
}

// hasher builds sign bytes: SHA-256 over a domain and fields of which each variable one stands behind its length, so that
// no two messages share an encoding.
type hasher struct{ buf []byte }

func newHasher(domain string) *hasher {
	h := &hasher{}
	h.bytes([]byte(domain))
	return h
}

func (h *hasher) number(v uint64) { h.buf = binary.BigEndian.AppendUint64(h.buf, v) }

func (h *hasher) bytes(b []byte) {
	h.number(uint64(len(b)))
	h.buf = append(h.buf, b...)
}

func (h *hasher) sum() []byte {
	sum := sha256.Sum256(h.buf)
	return sum[:]
}

// Tally counts why entries of the price index were passed over.
type Tally struct {
	counts [misfits]uint32
	// Cut says that the scan ended at its bound, not at the end of the index.
	Cut bool
}

// Add counts one.
func (t *Tally) Add(m Misfit) { t.counts[m]++ }

// String says by which dimensions a scan failed.
func (t Tally) String() string {
	var parts []string
	for m := Fits + 1; m < misfits; m++ {
		if n := t.counts[m]; n > 0 {
			parts = append(parts, strconv.FormatUint(uint64(n), 10)+" "+m.String())
		}
	}
	text := strings.Join(parts, ", ")
	if text == "" {
		text = "no offers"
	}
	if t.Cut {
		text += ", more not looked at"
	}
	return text
}
