// SPDX-License-Identifier: Apache-2.0

// Package story plays what the network exists for, as a tenant and a provider would, and checks every step against the
// chain: nothing that it prints is made up, and a figure that does not add up ends it with an error.
package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"cosmossdk.io/math"

	"github.com/athnet/ath/offchain/chain"
	"github.com/athnet/ath/offchain/deploy"
	"github.com/athnet/ath/offchain/localnet"
	athtypes "github.com/athnet/ath/x/ath/types"
	checks "github.com/athnet/ath/x/checks/types"
	leases "github.com/athnet/ath/x/leases/types"
)

// patience is how long a step may take before the story fails; rounds and epochs of the local network are seconds.
const patience = time.Minute

// Story is one play.
type Story struct {
	net     *localnet.Network
	out     io.Writer
	start   time.Time
	journal *journal

	tenant, provider string
	before           math.Int // the tenant's coins before anything
	lease            deploy.Result
	opened           *leases.Lease
	tenantTxs        []string
}

// Play plays everything and returns at the first thing that is not as it must be. With leaveOpen the web service goes on
// running at the end.
func Play(ctx context.Context, net *localnet.Network, out io.Writer, leaveOpen bool) (*Story, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	head, err := net.Chain().Latest(ctx)
	if err != nil {
		return nil, err
	}
	s := &Story{
		net: net, out: out, start: time.Now(), journal: follow(ctx, net.Chain(), head.Height),
		tenant: net.Address(net.Config.Tenant), provider: net.Address(net.Config.Worker.Account),
	}
	steps := []func(context.Context) error{
		s.consensus, s.request, s.answer, s.running, s.check, s.usage, s.settlement, s.feeSplit, s.rewards, s.claim, s.close, s.batch, s.addUp,
	}
	if leaveOpen {
		steps = append(steps, s.request)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return s, errors.Join(err, net.Failed())
		}
	}
	return s, nil
}

// Lease is the one that was opened last.
func (s *Story) Lease() deploy.Result { return s.lease }

// line prints one line of the timeline.
func (s *Story) line(title, format string, args ...any) {
	fmt.Fprintf(s.out, "  %6.1f s  %-18s %s\n", time.Since(s.start).Seconds(), title, fmt.Sprintf(format, args...))
}

// deploy runs `athd deploy` as the tenant would.
func (s *Story) deploy(ctx context.Context, file string, args ...string) (deploy.Result, error) {
	var result deploy.Result
	out, err := s.net.Athd(ctx, s.net.Config.Tenant, append([]string{"deploy", file, "--output", "json"}, args...)...)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		return result, fmt.Errorf("read the answer of athd deploy: %w", err)
	}
	s.tenantTxs = append(s.tenantTxs, result.Txs...)
	return result, nil
}

// consensus says what validators' votes carry: a price, and a part of the random beacon, which anybody can make again.
func (s *Story) consensus(ctx context.Context) error {
	client := athtypes.NewQueryClient(s.net.Chain().Conn())
	var beacon *athtypes.QueryBeaconResponse
	var price *athtypes.QueryPriceResponse
	err := s.net.Poll(ctx, patience, "a price and a beacon of votes", func(ctx context.Context) (bool, error) {
		var err error
		if beacon, err = client.Beacon(ctx, &athtypes.QueryBeaconRequest{}); err != nil || beacon.Contributors == 0 {
			return false, err
		}
		price, err = client.Price(ctx, &athtypes.QueryPriceRequest{})
		return err == nil, err
	})
	if err != nil {
		return err
	}
	said, err := s.net.Athd(ctx, s.net.Config.Tenant, "verify", "beacon", strconv.FormatInt(beacon.Height, 10), "--output", "json")
	if err != nil {
		return err
	}
	var verified struct{ Right bool }
	if err := json.Unmarshal([]byte(said), &verified); err != nil || !verified.Right {
		return errors.Join(err, fmt.Errorf("athd verify beacon %d says: %s", beacon.Height, said))
	}
	s.line("consensus", "block %d: an ATH is %s USD; the random beacon %x… verified: contributors %d of %d", beacon.Height,
		math.LegacyNewDecWithPrec(int64(price.Price.Spot), 9).String()[:6], beacon.Value[:4], beacon.Contributors, beacon.Voters)
	return nil
}

func (s *Story) request(ctx context.Context) error {
	var err error
	if s.before.IsNil() {
		if s.before, err = s.net.Balance(ctx, s.tenant); err != nil {
			return err
		}
	}
	file, err := s.net.WriteManifest("web", "web.yaml")
	if err != nil {
		return err
	}
	s.line("request", "%s types: athd deploy web.yaml", s.net.Config.Tenant)
	if s.lease, err = s.deploy(ctx, file); err != nil {
		return err
	}
	if len(s.lease.Txs) != 1 {
		return fmt.Errorf("the lease took %d transactions of the tenant, not 1", len(s.lease.Txs))
	}
	opened, head, err := wait(ctx, s.journal, patience, "the lease's event", func(e *leases.EventLeaseOpened, _ chain.Head) bool {
		return id(e.Lease.Tenant, e.Lease.Number) == s.lease.LeaseID
	})
	if err != nil {
		return err
	}
	s.opened = &opened.Lease
	s.line("lease block", "%d: lease %d of %s on Container %d, active in the block of its one transaction", head.Height, s.opened.Number, short(s.tenant), s.opened.ContainerId)
	return nil
}

// answer asks the workload itself.
func (s *Story) answer(ctx context.Context) error {
	if len(s.lease.Endpoints) == 0 {
		return errors.New("the lease has no endpoint")
	}
	url := s.lease.Endpoints[0].URL
	var about struct {
		Limits map[string]string
	}
	if err := getJSON(ctx, url, &about); err != nil {
		return err
	}
	memory := about.Limits["memory_bytes"]
	if memory != strconv.Itoa(128<<20) {
		return fmt.Errorf("the workload sees a memory limit of %s bytes, the file asked for %d", memory, 128<<20)
	}
	var product struct {
		Trace        int64
		Milliseconds int
	}
	if err := getJSON(ctx, url+"multiply?n=200", &product); err != nil {
		return err
	}
	ms := int64(0)
	for _, t := range s.lease.Timings {
		ms = t.MS
	}
	s.line("running", "%s answers, %d ms after the request; a 200×200 product takes it %d ms", url, ms, product.Milliseconds)
	s.line("limits", "memory %s bytes, pids %s, CPU %s: as the kernel holds them", memory, about.Limits["pids"], about.Limits["cpu_quota"])
	return nil
}

func (s *Story) running(ctx context.Context) error {
	started, head, err := wait(ctx, s.journal, patience, "billing to start", func(e *leases.EventLeaseStarted, _ chain.Head) bool {
		return id(e.Lease.Tenant, e.Lease.Number) == s.lease.LeaseID
	})
	if err != nil {
		return err
	}
	s.opened = &started.Lease
	s.line("billing starts", "block %d, from %s: when the services ran, said by the worker's signed record", head.Height, started.Lease.StartedAt.UTC().Format("15:04:05.000"))
	return nil
}

func (s *Story) check(ctx context.Context) error {
	e, head, err := wait(ctx, s.journal, patience, "a verdict of the Checkers on the rented Container", func(e *checks.EventShardJudged, h chain.Head) bool {
		return e.Healthy > 0 && h.Time.After(*s.opened.StartedAt)
	})
	if err != nil {
		return err
	}
	s.line("first check", "block %d, round %d: %d of %d Checkers opened their sealed reports; %d healthy, %d faulty", head.Height, e.Round, e.Revealed, e.Committee, e.Healthy, e.Faulty)
	return nil
}

func (s *Story) usage(ctx context.Context) error {
	e, head, err := wait(ctx, s.journal, patience, "a second usage record", func(e *leases.EventUsageRecorded, _ chain.Head) bool {
		return e.Record.LeaseId == s.lease.LeaseID && e.Record.Sequence >= 2
	})
	if err != nil {
		return err
	}
	r := e.Record
	s.line("usage proof", "block %d: record %d, chained to %x…, signed: CPU %d ms, memory %d MiB, %d bytes out", head.Height, r.Sequence, r.PrevHash[:4], r.CpuMs, r.MemoryMib, r.NetworkTx)
	return nil
}

func (s *Story) settlement(ctx context.Context) error {
	e, head, err := wait(ctx, s.journal, patience, "the first settlement", func(e *leases.EventLeaseSettled, _ chain.Head) bool {
		return e.LeaseId == s.lease.LeaseID && e.Paid != "0"+athtypes.Denom && e.Paid != ""
	})
	if err != nil {
		return err
	}
	paid, err := deploy.ParseAmount(e.Paid)
	if err != nil {
		return err
	}
	fee, err := deploy.ParseAmount(e.Fee)
	if err != nil {
		return err
	}
	params, err := athtypes.NewQueryClient(s.net.Chain().Conn()).Params(ctx, &athtypes.QueryParamsRequest{})
	if err != nil {
		return err
	}
	// The fee of a payment is within a uath of its share: what does not divide stays with the lease.
	want := paid.MulRaw(int64(params.Params.ServiceFeePpm)).QuoRaw(1_000_000)
	if d := fee.Sub(want).Abs(); d.GT(math.OneInt()) {
		return fmt.Errorf("the service fee of %s uath is %s, want %s", paid, fee, want)
	}
	s.line("first settlement", "block %d: %s paid for service so far, of it %s service fee and %s to the provider", head.Height, deploy.FormatATH(paid), deploy.FormatATH(fee), deploy.FormatATH(paid.Sub(fee)))
	return nil
}

func (s *Story) feeSplit(ctx context.Context) error {
	e, head, err := wait(ctx, s.journal, patience, "the fees of an epoch to be split", func(e *athtypes.EventFeesDistributed, _ chain.Head) bool {
		return e.Denom == athtypes.Denom && e.Treasury.IsPositive()
	})
	if err != nil {
		return err
	}
	s.line("fee split", "block %d, fees of epoch %d: stakers %s, SLA fund %s, treasury %s, burnt %s uath", head.Height, e.Epoch, e.Stakers, e.SlaFund, e.Treasury, e.Burnt)
	return s.books(ctx)
}

func (s *Story) rewardsOf(ctx context.Context, address string) (*athtypes.QueryRewardsResponse, map[athtypes.Ledger]math.Int, error) {
	resp, err := athtypes.NewQueryClient(s.net.Chain().Conn()).Rewards(ctx, &athtypes.QueryRewardsRequest{Beneficiary: address})
	if err != nil {
		return nil, nil, fmt.Errorf("rewards of %s: %w", address, err)
	}
	by := map[athtypes.Ledger]math.Int{}
	for _, l := range resp.Ledgers {
		by[l.Ledger] = l.Claimable
	}
	return resp, by, nil
}

func positive(m map[athtypes.Ledger]math.Int, l athtypes.Ledger) bool {
	v, ok := m[l]
	return ok && v.IsPositive()
}

func (s *Story) rewards(ctx context.Context) error {
	checker := s.net.Address(s.net.Config.Checkers[0])
	indexer := s.net.Address(s.net.Config.Indexer)
	return s.net.Poll(ctx, patience, "rewards to be claimable", func(ctx context.Context) (bool, error) {
		_, p, err := s.rewardsOf(ctx, s.provider)
		if err != nil {
			return false, err
		}
		_, c, err := s.rewardsOf(ctx, checker)
		if err != nil {
			return false, err
		}
		_, x, err := s.rewardsOf(ctx, indexer)
		if err != nil {
			return false, err
		}
		for _, need := range []struct {
			who    string
			have   map[athtypes.Ledger]math.Int
			ledger athtypes.Ledger
		}{
			{"provider", p, athtypes.Ledger_LEDGER_CAPACITY}, {"provider", p, athtypes.Ledger_LEDGER_DELIVERY},
			{"checker", c, athtypes.Ledger_LEDGER_CHECKER}, {"indexer", x, athtypes.Ledger_LEDGER_INDEXER},
		} {
			if !positive(need.have, need.ledger) {
				return false, fmt.Errorf("the %s has nothing in %s yet", need.who, need.ledger)
			}
		}
		s.line("rewards", "claimable: provider %s for capacity and %s for delivered work, Checker %s, Indexer %s",
			deploy.FormatATH(p[athtypes.Ledger_LEDGER_CAPACITY]), deploy.FormatATH(p[athtypes.Ledger_LEDGER_DELIVERY]),
			deploy.FormatATH(c[athtypes.Ledger_LEDGER_CHECKER]), deploy.FormatATH(x[athtypes.Ledger_LEDGER_INDEXER]))
		return true, nil
	})
}

// books checks that every coin of the vault is in a row, and that the supply is what was minted less what was burnt.
func (s *Story) books(ctx context.Context) error {
	b, err := s.net.ReadBooks(ctx)
	if err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	s.line("books", "block %d: vault %s = sum of its rows; supply %s = minted − burnt", b.Height, deploy.FormatATH(b.Vault), deploy.FormatATH(b.Supply))
	return nil
}

func id(tenant string, number uint64) string { return fmt.Sprintf("%s/%d", tenant, number) }

func short(address string) string { return address[:8] + "…" + address[len(address)-4:] }

func getJSON(ctx context.Context, url string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask the workload: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the workload: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the workload: %s answered %s", url, resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(out); err != nil {
		return fmt.Errorf("ask the workload: %s: %w", url, err)
	}
	return nil
}
