// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cosmossdk.io/math"
	"google.golang.org/grpc"

	"github.com/cosmos/cosmos-sdk/types/query"

	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// maxCandidates are named in one transaction: enough for every race, and few bytes.
const maxCandidates = 8

// Query is what a market is asked for.
type Query struct {
	Tenant      string
	Requirement leases.Requirement
	// Denom of the offers' prices, and of MaxRate.
	Denom string
	// MaxRate in 10^-6 of the denom's smallest unit per second; zero for any.
	MaxRate math.Int
	// Duration of the lease; 0 for no end.
	Duration time.Duration
	// Mode of the lease; a reserved one has a duration.
	Mode  leases.LeaseMode
	Limit uint32
}

// Candidate is a Container with its price.
type Candidate struct {
	ID   uint64
	Rate math.Int
}

// Answer holds candidates, best first.
type Answer struct {
	Candidates []Candidate
	// Quote is signed by the Indexer that answered; nil from the chain.
	Quote *leases.Quote
	// Source says who answered.
	Source string
	// Class that was asked for.
	Class string
	// Denom of the candidates' prices.
	Denom string
	// Stale are Containers that the chain's scan met and that can't be leased now.
	Stale []uint64
}

// Market finds free Containers. An empty answer is an error that wraps ErrNoMatch.
type Market interface {
	Find(ctx context.Context, q Query) (Answer, error)
}

// errNoneFree says that nothing at all is free, whatever was asked for.
var errNoneFree = fmt.Errorf("%w: none is free", ErrNoMatch)

// chainMarket asks a node: the same scan that a lease without candidates would do.
type chainMarket struct{ conn grpc.ClientConnInterface }

// Find implements Market.
func (m chainMarket) Find(ctx context.Context, q Query) (Answer, error) {
	offers, stale, err := m.match(ctx, q)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Source: "the chain", Denom: q.Denom, Stale: stale}
	if len(offers) == 0 {
		return a, m.explain(ctx, q)
	}
	for _, o := range offers {
		if terms, ok := o.In(q.Mode); ok {
			a.Candidates = append(a.Candidates, Candidate{ID: o.ContainerId, Rate: terms.Rate})
		}
	}
	return a, nil
}

func (m chainMarket) match(ctx context.Context, q Query) (offers []leases.Offer, stale []uint64, err error) {
	resp, err := leases.NewQueryClient(m.conn).Match(ctx, &leases.QueryMatchRequest{
		Requirement: q.Requirement, MaxRate: q.MaxRate, PriceDenom: q.Denom, Tenant: q.Tenant, Limit: q.Limit,
		Mode: q.Mode, Duration: q.Duration,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("ask the chain for free Containers: %w", err)
	}
	return resp.Offers, resp.Stale, nil
}

// relaxations drop one wish each, in the order in which people would give them up.
var relaxations = []struct {
	name string
	drop func(*Query) (wish string, had bool)
}{
	{"price", func(q *Query) (string, bool) {
		had := q.MaxRate.IsPositive()
		wish := ""
		if had {
			wish = "at most " + PriceIn(q.Denom, q.MaxRate)
		}
		q.MaxRate = math.ZeroInt()
		return wish, had
	}},
	{"duration", func(q *Query) (string, bool) {
		had := q.Duration > 0 && q.Mode != leases.LeaseMode_LEASE_MODE_RESERVED
		wish := q.Duration.String()
		if had {
			q.Duration = 0
		}
		return wish, had
	}},
	{"terms", func(q *Query) (string, bool) {
		had := q.Mode == leases.LeaseMode_LEASE_MODE_RESERVED
		wish := "for " + q.Duration.String() + " reserved"
		if had {
			q.Mode = leases.LeaseMode_LEASE_MODE_ON_DEMAND
		}
		return wish, had
	}},
	{"region", func(q *Query) (string, bool) {
		wish := q.Requirement.Region
		q.Requirement.Region = ""
		return wish, wish != ""
	}},
	{"cpu", func(q *Query) (string, bool) { return number(&q.Requirement.CpuMilli, "m") }},
	{"memory", func(q *Query) (string, bool) { return number(&q.Requirement.MemoryMib, " MiB") }},
	{"disk", func(q *Query) (string, bool) { return number(&q.Requirement.DiskMib, " MiB") }},
	{"vram", func(q *Query) (string, bool) { return number(&q.Requirement.VramMib, " MiB") }},
	{"count", func(q *Query) (string, bool) {
		wish := fmt.Sprint(q.Requirement.Count)
		had := q.Requirement.Count > 1
		q.Requirement.Count = 0
		return wish, had
	}},
}

func number(field *uint64, unit string) (string, bool) {
	wish := fmt.Sprint(*field, unit)
	had := *field > 0
	*field = 0
	return wish, had
}

// rateIn is what an offer costs in a mode that it has.
func rateIn(o leases.Offer, mode leases.LeaseMode) math.Int {
	terms, _ := o.In(mode)
	return terms.Rate
}

// explain finds the wish without which something would be free: each alone first, then all.
func (m chainMarket) explain(ctx context.Context, q Query) error {
	for _, r := range relaxations {
		relaxed := q
		relaxed.Limit = 1
		wish, had := r.drop(&relaxed)
		if !had {
			continue
		}
		offers, _, err := m.match(ctx, relaxed)
		if err != nil {
			return err
		}
		if len(offers) > 0 {
			return &Problem{
				Text:   fmt.Sprintf("no free Container of class %s has %s %s", q.Requirement.Class, r.name, wish),
				Remedy: fmt.Sprintf("without that the cheapest is Container %d for %s", offers[0].ContainerId, PriceIn(offers[0].Denom, rateIn(offers[0], relaxed.Mode))),
				Err:    ErrNoMatch,
			}
		}
	}
	least := Query{
		Tenant: q.Tenant, Denom: q.Denom, Requirement: leases.Requirement{Class: q.Requirement.Class}, MaxRate: math.ZeroInt(), Limit: 1, Mode: q.Mode, Duration: q.Duration,
	}
	offers, _, err := m.match(ctx, least)
	if err != nil {
		return err
	}
	if len(offers) > 0 {
		return &Problem{Text: "no free Container of class " + q.Requirement.Class + " has all of what the file asks for together", Remedy: "ask for less CPU, memory or disk", Err: ErrNoMatch}
	}
	return &Problem{Text: "no Container of class " + q.Requirement.Class + " is free at the moment", Remedy: "wait and try again, or choose another class with --class (athd query providers classes)", Err: errNoneFree}
}

// find asks the Indexer first and the chain where it does not answer; among several classes, and among prices in ATH and in USD, it takes
// the cheapest.
func (r *run) find(ctx context.Context, q Query, classes []string) (Answer, error) {
	denoms, err := r.denoms()
	if err != nil {
		return Answer{}, err
	}
	var best Answer
	var none error
	for _, class := range classes {
		for _, denom := range denoms {
			q.Requirement.Class, q.Denom, q.MaxRate = class, denom, r.exchange.in(denom, r.opts.MaxPrice)
			if r.opts.MaxPrice.Rate.IsPositive() && q.MaxRate.IsZero() {
				continue // less than a unit in this denom: nothing costs so little, and 0 would be no bound
			}
			a, err := r.ask(ctx, q, r.opts.Exclude)
			switch {
			case errors.Is(err, ErrNoMatch):
				// Where something is free in the other denom, what is wrong with that says more.
				if none == nil || errors.Is(none, errNoneFree) {
					none = err
				}
			case err != nil:
				return Answer{}, err
			case len(best.Candidates) == 0 || r.exchange.paid(denom, a.Candidates[0].Rate).LT(r.exchange.paid(best.Denom, best.Candidates[0].Rate)):
				best, best.Class = a, class
			}
		}
	}
	if len(best.Candidates) == 0 {
		if errors.Is(none, errNoneFree) {
			if none, err = r.whyNoneFree(ctx, q, classes, denoms, none); err != nil {
				return Answer{}, err
			}
		}
		if len(classes) > 1 && errors.Is(none, errNoneFree) {
			return Answer{}, &Problem{Text: "no Container is free of the classes " + strings.Join(classes, ", "), Remedy: "wait and try again, or choose another class with --class", Err: none}
		}
		return Answer{}, none
	}
	return best, nil
}

// whyNoneFree looks further where nothing is free in the denoms that were asked for: priced otherwise, or registered at all.
func (r *run) whyNoneFree(ctx context.Context, q Query, classes, asked []string, none error) (why, failed error) {
	market := chainMarket{r.Node.Conn()}
	params, err := leases.NewQueryClient(r.Node.Conn()).Params(ctx, &leases.QueryParamsRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask which denoms pay: %w", err)
	}
	q.MaxRate, q.Limit = math.ZeroInt(), 1
	for _, class := range classes {
		for _, denom := range append([]string{athtypes.Denom, leases.MicroUSD}, params.Params.StableDenoms...) {
			if slices.Contains(asked, denom) {
				continue
			}
			q.Requirement.Class, q.Denom = class, denom
			offers, _, err := market.match(ctx, q)
			if err != nil {
				return nil, err
			}
			if len(offers) > 0 {
				return &Problem{
					Text: fmt.Sprintf("no Container of class %s is free at a price as asked for: Container %d is free for %s, priced in %s", class, offers[0].ContainerId,
						PriceIn(denom, rateIn(offers[0], q.Mode)), denom),
					Remedy: r.otherPrice(denom), Err: ErrNoMatch,
				}, nil
			}
		}
	}
	registered, err := r.registered(ctx, classes)
	if err != nil || registered {
		return none, err
	}
	return &Problem{
		Text:   "no Container of class " + strings.Join(classes, ", ") + " is registered",
		Remedy: "choose another class with --class (athd query providers classes; athd query leases offers shows what is offered)", Err: ErrNoMatch,
	}, nil
}

// otherPrice says what to leave out or add to take an offer in a denom that was not asked for.
func (r *run) otherPrice(denom string) string {
	switch {
	case r.opts.Gateway != "":
		return "a gateway pays for offers in USD only: lease it without --gateway, or wait"
	case r.opts.PayWith != "" && denom == athtypes.Denom:
		return "lease it without --pay-with, or wait"
	case denom != athtypes.Denom && denom != leases.MicroUSD:
		return "lease it with --pay-with " + denom + ", or wait"
	case denom == leases.MicroUSD && r.exchange.slope.IsZero():
		return "the chain has no fresh price of ATH to pay it by (athd query ath price): wait"
	default:
		return "lease it without --price-in, or wait"
	}
}

// registered says whether there is a Container of one of the classes at all.
func (r *run) registered(ctx context.Context, classes []string) (bool, error) {
	for page := (&query.PageRequest{Limit: 200}); ; {
		resp, err := providers.NewQueryClient(r.Node.Conn()).Containers(ctx, &providers.QueryContainersRequest{Pagination: page})
		if err != nil {
			return false, fmt.Errorf("ask which Containers there are: %w", err)
		}
		if slices.ContainsFunc(resp.Containers, func(c providers.ContainerView) bool { return slices.Contains(classes, c.Container.Class) }) {
			return true, nil
		}
		if resp.Pagination == nil || len(resp.Pagination.NextKey) == 0 {
			return false, nil
		}
		page = &query.PageRequest{Limit: 200, Key: resp.Pagination.NextKey}
	}
}

// denoms are those in which an offer may be priced: what the tenant said, or ATH and, while the chain knows what that is worth, USD. A stable
// denom pays for what is priced in it or in USD.
func (r *run) denoms() ([]string, error) {
	if r.exchange.par {
		return []string{r.opts.PayWith, leases.MicroUSD}, nil
	}
	unpriced := r.exchange.slope.IsZero()
	if unpriced && (r.opts.PriceDenom == leases.MicroUSD || r.opts.MaxPrice.Denom == leases.MicroUSD) {
		return nil, &Problem{Text: "the chain has no fresh price of ATH, so nothing can be leased or compared in USD now", Remedy: "look at athd query ath price, or name a price in ATH"}
	}
	switch {
	case r.opts.PriceDenom != "":
		return []string{r.opts.PriceDenom}, nil
	case unpriced:
		return []string{athtypes.Denom}, nil
	default:
		return []string{athtypes.Denom, leases.MicroUSD}, nil
	}
}

func (d *Deployer) ask(ctx context.Context, q Query, exclude []uint64) (Answer, error) {
	keep := func(a Answer, err error) (Answer, error) {
		if err != nil {
			return a, err
		}
		a.Candidates = slices.DeleteFunc(a.Candidates, func(c Candidate) bool { return slices.Contains(exclude, c.ID) })
		if len(a.Candidates) == 0 {
			return a, &Problem{Text: "every Container that fits is excluded", Remedy: "take one out of --exclude", Err: ErrNoMatch}
		}
		a.Candidates = a.Candidates[:min(len(a.Candidates), maxCandidates)]
		return a, nil
	}
	if d.Indexer != nil {
		a, err := keep(d.Indexer.Find(ctx, q))
		if err == nil {
			return a, nil
		}
		// The chain has the last word: an Indexer that is behind, or gone, costs convenience and not the lease. That it knows nothing of one class
		// in one denom is usual.
		if !errors.Is(err, ErrNoMatch) {
			d.say("Indexer: %v; asking the chain", err)
		}
	}
	a, err := keep(chainMarket{d.Node.Conn()}.Find(ctx, q))
	if errors.Is(err, ErrNoMatch) && len(a.Stale) > 0 {
		// The chain looks at a bounded number of offers, and those were of Containers that nobody can lease: out of the way with them.
		d.say("%d offers of Containers that can't be leased are in the way; clearing them away", len(a.Stale))
		if _, serr := d.Sender.Send(ctx, &leases.MsgRefreshOffers{Signer: d.Sender.Address(), ContainerIds: a.Stale}); serr != nil {
			return a, errors.Join(err, serr)
		}
		return keep(chainMarket{d.Node.Conn()}.Find(ctx, q))
	}
	return a, err
}

// container reads from the chain where a Container is and which key it has; an Indexer's word is not enough for that.
func (d *Deployer) container(ctx context.Context, id uint64) (providers.Container, error) {
	resp, err := providers.NewQueryClient(d.Node.Conn()).Container(ctx, &providers.QueryContainerRequest{Id: id})
	if err != nil {
		return providers.Container{}, fmt.Errorf("look up Container %d: %w", id, err)
	}
	return resp.Container.Container, nil
}
