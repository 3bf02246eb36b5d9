// SPDX-License-Identifier: Apache-2.0

package types

import (
	"time"

	"cosmossdk.io/math"
)

const (
	// MaxStandbys bounds the standbys of a lease, which end with it.
	MaxStandbys = 4
	// MaxPriority is the priority that outlasts all others.
	MaxPriority = 100
)

// StandbyPrice is what the offer costs while it stands by, per second.
func (o Offer) StandbyPrice() math.Int {
	if o.StandbyRate.IsNil() || !o.StandbyRate.IsPositive() {
		return o.Rate
	}
	return o.StandbyRate
}

// StandBy makes a lease that was just opened one that holds its Container ready for another: it costs the standby price, and that
// from its first block on, as there is nothing to start.
func (l Lease) StandBy(offer Offer, of uint64, usd Clock) Lease {
	l.State = LeaseState_LEASE_STATE_STANDBY
	l.StandbyOf = of
	l.FullRate, l.Rate = l.Rate, offer.StandbyPrice()
	l.Reserve = offer.Price(l.Rate, offer.MinCharge, l.CreatedAt, usd)
	created := l.CreatedAt
	l.StartedAt, l.CreditableFrom = &created, &created
	return l
}

// Move puts a lease that has left its Container into that of its standby, which has been settled. It has to start there, within the
// limit of that Container's class; until then it costs nothing.
func (l Lease) Move(standby Lease, now time.Time, outage time.Duration, usd Clock) Lease {
	l.ContainerId, l.Provider = standby.ContainerId, standby.Provider
	l.Rate, l.PriceDenom, l.UsdIndex = standby.FullRate, standby.PriceDenom, nil
	// Its new provider has promised nothing beyond what it offers on demand, and has given no notice.
	l.Mode, l.MinUntil, l.ReclaimAt = onDemand, nil, nil
	l.State = LeaseState_LEASE_STATE_ACTIVE
	l.BoundAt = now
	l.CreditableFrom, l.FreeUntil = nil, nil
	l.Rebound++
	l.OutageSeen = outage
	l.Reserve = standby.Reserve
	l.Indexer = standby.Indexer
	// The records of a worker follow one another; another worker's begin anew.
	l.UsageSequence, l.UsageHash, l.UsageUntil = 0, nil, nil
	return l.settledTo(now, usd)
}
