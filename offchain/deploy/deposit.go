// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"fmt"
	"time"

	"cosmossdk.io/math"
)

// maxRate is the most that this lease may cost: what the tenant said, or a tenth above the cheapest, so that losing the
// cheapest to somebody else does not fail the transaction and never costs much.
func (r *run) maxRate(answer Answer) math.Int {
	candidates := answer.Candidates
	if r.opts.MaxPrice.Rate.IsPositive() {
		return r.exchange.in(answer.Denom, r.opts.MaxPrice)
	}
	if len(r.opts.Containers) > 0 {
		rate := candidates[0].Rate
		for _, c := range candidates {
			rate = math.MaxInt(rate, c.Rate)
		}
		return rate
	}
	return tenthAbove(candidates[0].Rate)
}

func tenthAbove(rate math.Int) math.Int { return rate.MulRaw(11).QuoRaw(10) }

// deposit is what the transaction adds to the balance, and why: what the tenant said, or what is missing. A duration is paid for at bound, the
// most that the lease may cost, whichever Container it gets. Without one, the day is a convenience and counts at likely, which is about the price.
func (r *run) deposit(bound, likely math.Int) (amount math.Int, why string) {
	if r.opts.Gateway != "" {
		return math.ZeroInt(), "the gateway pays"
	}
	if r.opts.Deposit != nil {
		return *r.opts.Deposit, "as --deposit says"
	}
	// A standby costs no more than the Container, and storage, which the grace pays for, no more than a running lease.
	all := func(rate math.Int, runway time.Duration) math.Int {
		return cost(rate, runway).MulRaw(int64(1 + r.opts.Standbys)).Add(cost(rate, r.opts.Grace))
	}
	runway, rate := r.opts.Duration, bound
	if runway == 0 {
		runway, rate = defaultRunway, likely
	}
	needed := all(rate, runway)
	if least := max(r.params.MinRunway, r.params.MinCharge); !r.opts.Reserved { // which is paid for its duration and needs nothing ahead
		if ahead := all(bound, least); ahead.GT(needed) {
			needed, runway, rate = ahead, least, bound
		}
	}
	amount = r.granted(math.MaxInt(needed.Sub(r.account.Free.Amount), math.ZeroInt()))
	why = fmt.Sprintf("%s at no more than %s", runway, PriceIn(r.opts.pays(), rate))
	if r.opts.Standbys > 0 {
		why += fmt.Sprintf(", for %d standbys as well", r.opts.Standbys)
	}
	if r.opts.Grace > 0 {
		why += fmt.Sprintf(", and %s of grace", r.opts.Grace)
	}
	why += fmt.Sprintf(", is %s, and %s is free there", FormatIn(r.opts.pays(), needed), FormatIn(r.opts.pays(), r.account.Free.Amount))
	return amount, why
}

// sayDeposit says where the money goes before anything is signed.
func (r *run) sayDeposit(amount math.Int, why string) {
	if r.opts.Gateway != "" {
		r.say("nothing leaves your wallet but the fee: %s", why)
		return
	}
	pays := r.opts.pays()
	if !amount.IsPositive() {
		r.say("nothing is moved into the prepaid account: %s", why)
		return
	}
	from := "your wallet"
	if r.opts.Granter != "" {
		from = "the wallet of " + r.opts.Granter
	}
	r.say("moving %s from %s into your prepaid account (%s); free there then: %s, of which the lease takes what it uses; athd account withdraw gives back the rest",
		FormatIn(pays, amount), from, why, FormatIn(pays, r.account.Free.Amount.Add(amount)))
}
