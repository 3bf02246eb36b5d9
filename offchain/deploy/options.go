// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/price"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// Options are the tenant's choices; the zero value lets the file and the market decide.
type Options struct {
	// Class overrides what follows from the file.
	Class string
	// Region restricts the choice.
	Region string
	// Containers are tried in this order instead of asking a market.
	Containers []uint64
	// Exclude are never taken.
	Exclude []uint64
	// MaxPrice is the most to pay per Container, also where an offer is priced in another denom; where its rate is zero, a tenth above the
	// cheapest offer.
	MaxPrice price.Price
	// PriceDenom restricts the choice to offers that are priced in uath or musd; the cheaper where empty.
	PriceDenom string
	// PayWith is the stable denom that pays, for offers in it and, at par, for those in musd; uath where empty.
	PayWith string
	// Deposit in the denom that pays; where nil, what is missing for the duration or for a day.
	Deposit *math.Int
	// Gateway pays for the lease, on credit that it gives the tenant; the tenant's own account where empty.
	Gateway string
	// Granter pays the deposit, under a grant to the tenant; the tenant's own wallet where empty.
	Granter string
	// Duration after which the lease ends; 0 for none.
	Duration time.Duration
	// Reserved asks for a lease that is paid in advance for its whole duration, and that its provider answers for ending earlier.
	Reserved bool
	// MaxMinCharge is the longest minimum charge to accept; 0 for any.
	MaxMinCharge time.Duration
	// Standbys is how many Containers stand by to take over, and Failover who may move the lease there.
	Standbys uint32
	Failover leases.FailoverPolicy
	// Grace is how long data is kept when the money runs out, and Priority which leases pause or end first: the lowest.
	Grace    time.Duration
	Priority uint32
	// Timeout is how long to wait for the workload; DefaultTimeout where 0.
	Timeout time.Duration
	// NoWait returns once the lease is there and the manifest is with its worker.
	NoWait bool
}

// pays is the denom that pays.
func (o Options) pays() string {
	if o.PayWith == "" {
		return athtypes.Denom
	}
	return o.PayWith
}

// Validate checks that prices go with what pays.
func (o Options) Validate() error {
	if o.Gateway != "" {
		return o.validateCredit()
	}
	if o.PayWith == "" {
		return nil
	}
	if o.PriceDenom == athtypes.Denom || o.MaxPrice.Denom == athtypes.Denom && !o.MaxPrice.Rate.IsNil() && o.MaxPrice.Rate.IsPositive() {
		return fmt.Errorf("%s pays for prices in USD: name none in ATH", o.PayWith)
	}
	if o.Granter != "" {
		return fmt.Errorf("deposit grants are in ATH: deposit %s yourself, or pay with ATH", o.PayWith)
	}
	return nil
}

// validateCredit checks what goes with a lease on credit: an offer in USD, on demand, and nothing of the tenant's own.
func (o Options) validateCredit() error {
	switch {
	case o.PriceDenom != leases.MicroUSD:
		return fmt.Errorf("--price-in: a gateway pays for offers in usd only")
	case o.MaxPrice.Denom == athtypes.Denom && !o.MaxPrice.Rate.IsNil() && o.MaxPrice.Rate.IsPositive():
		return fmt.Errorf("--max-price: want one in USD: a gateway pays for offers in usd only")
	case o.Reserved:
		return fmt.Errorf("--reserved: is paid in advance by the tenant: lease on demand, or without --gateway")
	case o.PayWith != "" || o.Granter != "" || o.Deposit != nil:
		return fmt.Errorf("--pay-with, --granter, --deposit: the gateway pays: leave them out")
	}
	return nil
}

func (o Options) mode() leases.LeaseMode {
	if o.Reserved {
		return leases.LeaseMode_LEASE_MODE_RESERVED
	}
	return leases.LeaseMode_LEASE_MODE_ON_DEMAND
}

// DefaultTimeout is the start limit of most classes.
const DefaultTimeout = 10 * time.Minute

// Result is a deployed workload.
type Result struct {
	LeaseID     string     `json:"lease_id"`
	ContainerID uint64     `json:"container_id"`
	Provider    string     `json:"provider"`
	Class       string     `json:"class"`
	Region      string     `json:"region"`
	Worker      string     `json:"worker"` // host:port of its gateway
	Matched     string     `json:"matched_by"`
	Endpoints   []Endpoint `json:"endpoints"`
	// Standbys are Containers that hold themselves ready to take over.
	Standbys []Standby `json:"standbys,omitempty"`
	Phase    string    `json:"phase"`
	// Rate in 10^-6 of the smallest unit of price_denom per second, and the same per hour for people.
	Rate       math.Int `json:"rate"`
	PriceDenom string   `json:"price_denom"`
	PerHour    string   `json:"per_hour"`
	// PayDenom is the denom that pays.
	PayDenom string `json:"pay_denom"`
	// Mode is on-demand or reserved; Gateway pays where it is set.
	Mode    string `json:"mode"`
	Gateway string `json:"gateway,omitempty"`
	// Deposited in this transaction, why so much, and free balance behind it, in pay_denom.
	Deposited  math.Int `json:"deposited"`
	DepositWhy string   `json:"deposit_why"`
	Free       math.Int `json:"free"`
	// LastsSeconds is how long the free balance pays the account's leases; nil where none of them takes anything of it.
	LastsSeconds *int64   `json:"lasts_seconds,omitempty"`
	Txs          []string `json:"txs"`
	Height       int64    `json:"height"`
	GasUsed      int64    `json:"gas_used"`
	Timings      []Timing `json:"timings"`
}

// Standby is a Container that stands by.
type Standby struct {
	LeaseID     string `json:"lease_id"`
	ContainerID uint64 `json:"container_id"`
	PerHour     string `json:"per_hour"`
	// Ready says that its worker has the manifest; Problem why not.
	Ready   bool   `json:"ready"`
	Problem string `json:"problem,omitempty"`
}

// Endpoint is a published port of the workload, or (proto https) a name that leads to one.
type Endpoint struct {
	Service string `json:"service"`
	Port    uint16 `json:"port"`
	Proto   string `json:"proto"`
	Address string `json:"address"`
	URL     string `json:"url,omitempty"`
}

// Timing is when a step was done, in milliseconds from the start.
type Timing struct {
	Step string `json:"step"`
	MS   int64  `json:"ms"`
}
