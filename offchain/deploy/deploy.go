// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/math"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/offchain/access"
	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/manifest"
	"github.com/athnet/ath/offchain/price"
	"github.com/athnet/ath/offchain/worker/api"
	athtypes "github.com/athnet/ath/x/ath/types"
	leases "github.com/athnet/ath/x/leases/types"
	providers "github.com/athnet/ath/x/providers/types"
)

// defaultRunway is what a deposit pays for where the tenant names neither deposit nor duration.
const defaultRunway = 24 * time.Hour

// Node is the part of a chain client that a deployment needs; *chain.Client is one.
type Node interface {
	ChainID() string
	Latest(ctx context.Context) (chain.Head, error)
	Conn() grpc.ClientConnInterface
}

// Sender signs transactions and waits until they are in a block; *chain.Sender is one.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (chain.TxResult, error)
}

// Deployer deploys for one tenant.
type Deployer struct {
	Node   Node
	Sender Sender
	// Sign signs tokens with the tenant's key.
	Sign access.SignFunc
	// Indexer is asked first where set.
	Indexer Market
	// Say gets one line per step, for a person; may be nil.
	Say func(string)
	// Now is time.Now where nil.
	Now func() time.Time
}

// run is one deployment under way.
type run struct {
	*Deployer
	file      *manifest.File
	canonical []byte
	opts      Options
	start     time.Time
	account   leases.QueryAccountResponse
	params    leases.Params
	exchange  exchange
	result    Result
}

// Deploy takes a parsed file to a running workload. Where ctx is cancelled before it is there, the error is an *InterruptedError.
func (d *Deployer) Deploy(ctx context.Context, file *manifest.File, opts Options) (*Result, error) {
	result, err := d.deploy(ctx, file, opts)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		err = interrupted(result, err)
	}
	return result, err
}

func (d *Deployer) deploy(ctx context.Context, file *manifest.File, opts Options) (*Result, error) {
	canonical, err := file.Manifest.Canonical()
	if err != nil {
		return nil, err
	}
	if opts.MaxPrice.Rate.IsNil() {
		opts.MaxPrice = price.Price{Denom: athtypes.Denom, Rate: math.ZeroInt()}
	}
	if err := opts.Validate(); err != nil {
		return nil, err
	}
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	r := &run{Deployer: d, file: file, canonical: canonical, opts: opts, start: d.now()}
	answer, req, err := r.prepare(ctx)
	if err != nil {
		return nil, err
	}
	r.mark("matched")
	container, delivered, err := r.lease(ctx, answer, req)
	if err != nil {
		return r.opened(), err
	}
	client, err := r.worker(container)
	if err != nil {
		return r.opened(), err
	}
	defer client.Close()
	waitCtx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	if !delivered {
		if err := r.deliver(waitCtx, client, container.Endpoint); err != nil {
			return &r.result, err
		}
	}
	r.mark("manifest delivered")
	r.prepareStandbys(waitCtx)
	if !opts.NoWait {
		err = r.wait(waitCtx, client, container.Endpoint)
	}
	if ctx.Err() == nil {
		// What is left is for information; a lease that stands is not a failure because a figure is missing.
		if acc, aerr := r.queryAccount(ctx); aerr == nil {
			r.result.Free = acc.Free.Amount
			if acc.ExhaustedAt != nil {
				lasts := int64(max(0, acc.ExhaustedAt.Sub(r.now())) / time.Second)
				r.result.LastsSeconds = &lasts
			}
		}
	}
	return &r.result, err
}

// opened is the result as far as it is known, once a lease is open.
func (r *run) opened() *Result {
	if r.result.LeaseID == "" {
		return nil
	}
	return &r.result
}

// prepare checks the clock and asks account and market, all at once.
func (r *run) prepare(ctx context.Context) (Answer, leases.Requirement, error) {
	var answer Answer
	req := Requirement(r.file.Manifest, r.opts.Class, r.opts.Region)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		head, err := r.Node.Latest(gctx)
		if err != nil {
			return err
		}
		return checkClock(r.now(), head.Time, 2*time.Minute)
	})
	g.Go(func() (err error) { r.account, err = r.queryAccount(gctx); return err })
	g.Go(func() error {
		resp, err := leases.NewQueryClient(r.Node.Conn()).Params(gctx, &leases.QueryParamsRequest{})
		if err == nil {
			r.params = resp.Params
		}
		return err
	})
	g.Go(func() (err error) {
		if r.exchange, err = r.readExchange(gctx); err != nil {
			return err
		}
		if len(r.opts.Containers) > 0 {
			return r.byHand(gctx, &answer, &req)
		}
		classes, err := r.classes(gctx, req)
		if err != nil {
			return err
		}
		answer, err = r.find(gctx, Query{Tenant: r.Sender.Address(), Requirement: req, Duration: r.opts.Duration, Mode: r.opts.mode(), Limit: maxCandidates + uint32(len(r.opts.Exclude))}, classes)
		return err
	})
	if err := g.Wait(); err != nil {
		return Answer{}, req, err
	}
	return answer, req, nil
}

// byHand looks up the offers of the Containers that the tenant chose.
func (r *run) byHand(ctx context.Context, answer *Answer, req *leases.Requirement) error {
	answer.Source = "hand"
	for _, id := range r.opts.Containers {
		resp, err := leases.NewQueryClient(r.Node.Conn()).Offer(ctx, &leases.QueryOfferRequest{ContainerId: id})
		if err != nil {
			return &Problem{Text: fmt.Sprintf("Container %d has no offer", id), Remedy: "look at athd query leases offers", Err: err}
		}
		terms, ok := resp.Offer.In(r.opts.mode())
		if !ok {
			return &Problem{Text: fmt.Sprintf("Container %d is not offered %s", id, r.opts.mode().Word()), Remedy: "look at athd query leases offer " + fmt.Sprint(id)}
		}
		if answer.Denom == "" {
			answer.Denom = resp.Offer.Denom
		}
		if resp.Offer.Denom != answer.Denom {
			return &Problem{
				Text:   fmt.Sprintf("Container %d is priced in %s and Container %d in %s", r.opts.Containers[0], answer.Denom, id, resp.Offer.Denom),
				Remedy: "name Containers that are priced alike",
			}
		}
		answer.Candidates = append(answer.Candidates, Candidate{ID: id, Rate: terms.Rate})
	}
	if pays := r.opts.pays(); answer.Denom != pays && answer.Denom != leases.MicroUSD {
		remedy := "take a Container that is priced in USD, or pay in ATH"
		if answer.Denom != athtypes.Denom {
			remedy = "pay with that: --pay-with " + answer.Denom
		}
		return &Problem{Text: fmt.Sprintf("Container %d is priced in %s, which %s does not pay", r.opts.Containers[0], answer.Denom, pays), Remedy: remedy}
	}
	if answer.Denom == leases.MicroUSD && !r.exchange.par && r.exchange.slope.IsZero() {
		return &Problem{Text: fmt.Sprintf("Container %d is priced in USD, and the chain has no fresh price of ATH", r.opts.Containers[0]), Remedy: "look at athd query ath price, or take a Container that is priced in ATH"}
	}
	return nil
}

func (r *run) classes(ctx context.Context, req leases.Requirement) ([]string, error) {
	if r.opts.Class != "" {
		return []string{r.opts.Class}, nil
	}
	if req.Count == 0 {
		return []string{classCPU}, nil
	}
	resp, err := providers.NewQueryClient(r.Node.Conn()).Classes(ctx, &providers.QueryClassesRequest{})
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return ClassesFor(r.file, resp.Classes)
}

func (r *run) queryAccount(ctx context.Context) (leases.QueryAccountResponse, error) {
	resp, err := leases.NewQueryClient(r.Node.Conn()).Account(ctx, &leases.QueryAccountRequest{Tenant: r.Sender.Address(), Denom: r.opts.pays()})
	if err != nil {
		if isNotFound(err) {
			zero := sdk.NewCoin(r.opts.pays(), math.ZeroInt())
			return leases.QueryAccountResponse{Balance: zero, Free: zero, Account: leases.Account{Rate: math.ZeroInt()}}, nil
		}
		return leases.QueryAccountResponse{}, fmt.Errorf("look up the prepaid account: %w", err)
	}
	return *resp, nil
}

// lease sends the one transaction, while the manifest is on its way to the best candidate. It says whether the winner has it.
func (r *run) lease(ctx context.Context, answer Answer, req leases.Requirement) (providers.Container, bool, error) {
	best := answer.Candidates[0]
	maxRate := r.maxRate(answer)
	pays := r.opts.pays()
	paid := func(rate math.Int) math.Int {
		p := r.exchange.paid(answer.Denom, rate)
		if answer.Denom == leases.MicroUSD && !r.exchange.par {
			p = p.MulRaw(21).QuoRaw(20) // the price may step before the transaction is in
		}
		return p
	}
	deposit, why := r.deposit(paid(maxRate), paid(math.MinInt(maxRate, tenthAbove(best.Rate))))
	msg := &leases.MsgCreateLease{
		Tenant: r.Sender.Address(), PriceDenom: answer.Denom, PayDenom: r.opts.PayWith, MaxRate: maxRate, Deposit: sdk.NewCoin(pays, deposit),
		ManifestHash: manifest.Hash(r.canonical), Duration: r.opts.Duration, Quote: answer.Quote, Requirement: &req,
		MaxMinCharge: r.opts.MaxMinCharge, Standbys: r.opts.Standbys, Failover: r.opts.Failover, Grace: r.opts.Grace, Priority: r.opts.Priority,
		Gateway: r.opts.Gateway, Mode: r.opts.mode(), Completes: r.file.Manifest.Ends() && !r.opts.Reserved,
	}
	for _, c := range answer.Candidates {
		if c.Rate.LTE(maxRate) {
			msg.Candidates = append(msg.Candidates, c.ID)
		}
	}
	// With a class the chain picks another fitting Container when all candidates were taken meanwhile; it must not when the
	// tenant chose by hand. A quote holds for the very requirement that was asked for.
	if len(r.opts.Containers) == 0 && (len(r.opts.Exclude) == 0 || answer.Quote != nil) {
		req.Class = answer.Class
	}
	r.say("%s found Container %d for %s; leasing it", answer.Source, best.ID, PriceIn(answer.Denom, best.Rate))
	r.sayDeposit(deposit, why)

	// The manifest's way is not allowed to fail the transaction: it is tried again with the winner.
	type early struct {
		container providers.Container
		err       error
	}
	sent := make(chan early, 1)
	earlyCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	go func() {
		c, err := r.container(earlyCtx, best.ID)
		if err == nil {
			var client *api.Client
			if client, err = r.worker(c); err == nil {
				err = client.PutManifest(earlyCtx, r.canonical)
				client.Close()
			}
		}
		sent <- early{c, err}
	}()
	msgs, opening := r.paid(msg)
	tx, err := r.Sender.Send(ctx, msgs...)
	if err != nil {
		return providers.Container{}, false, r.txProblem(err, deposit)
	}
	r.mark("included")
	var resp leases.MsgCreateLeaseResponse
	if err := tx.Response(opening, &resp); err != nil {
		return providers.Container{}, false, err
	}
	r.result = Result{
		LeaseID: resp.LeaseId, ContainerID: resp.ContainerId, Rate: resp.Rate, PriceDenom: answer.Denom, PerHour: PriceIn(answer.Denom, resp.Rate), Matched: answer.Source,
		PayDenom: pays, Deposited: deposit, DepositWhy: why, Mode: r.opts.mode().Word(), Gateway: r.opts.Gateway, Free: math.ZeroInt(), Txs: []string{tx.Hash}, Height: tx.Height, GasUsed: tx.GasUsed, Timings: r.result.Timings,
	}
	for _, s := range resp.Standbys {
		r.result.Standbys = append(r.result.Standbys, Standby{LeaseID: s.LeaseId, ContainerID: s.ContainerId, PerHour: PriceIn(answer.Denom, s.Rate)})
	}
	r.say("lease %s is in block %d: Container %d for %s", resp.LeaseId, tx.Height, resp.ContainerId, r.result.PerHour)
	container, delivered := providers.Container{}, false
	if resp.ContainerId == best.ID {
		first := <-sent
		container, delivered = first.container, first.err == nil
	}
	if container.Id != resp.ContainerId {
		if container, err = r.container(ctx, resp.ContainerId); err != nil {
			return container, false, err
		}
	}
	r.result.Provider, r.result.Class, r.result.Region, r.result.Worker = container.Provider, container.Class, container.Region, container.Endpoint
	return container, delivered, nil
}

// prepareStandbys hands the manifest to the workers that may take over, so that they have its images when they do. That one of them
// can't be reached is said, and no reason to give up the lease.
func (r *run) prepareStandbys(ctx context.Context) {
	for i := range r.result.Standbys {
		standby := &r.result.Standbys[i]
		container, err := r.container(ctx, standby.ContainerID)
		if err == nil {
			err = r.hand(ctx, container)
		}
		standby.Ready = err == nil
		if err != nil {
			standby.Problem = err.Error()
			r.say("standby %d (Container %d) does not have the manifest yet: %v", i+1, standby.ContainerID, err)
			continue
		}
		r.say("Container %d stands by for %s", standby.ContainerID, standby.PerHour)
	}
}

// hand gives a worker the manifest.
func (r *run) hand(ctx context.Context, container providers.Container) error {
	client, err := r.worker(container)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.PutManifest(ctx, r.canonical)
}

func (d *Deployer) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

func (d *Deployer) say(format string, args ...any) {
	if d.Say != nil {
		d.Say(fmt.Sprintf(format, args...))
	}
}

func (r *run) mark(step string) {
	r.result.Timings = append(r.result.Timings, Timing{Step: step, MS: r.now().Sub(r.start).Milliseconds()})
}
