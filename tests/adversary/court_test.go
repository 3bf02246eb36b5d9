// SPDX-License-Identifier: Apache-2.0

package adversary

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/offchain/checker/probe"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	"github.com/athnet/ath/testutil/sim"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

const (
	courtBlock   = 2 * time.Second
	courtRound   = 10 * time.Second
	courtSession = time.Minute
	// courtRate of the Containers' offers: 1,000 uath per second.
	courtRate = 1_000_000_000
)

// court is a whole chain of signed transactions: providers with a Container each, tenants, and Checkers that commit, reveal and are judged.
// What a Container is, Checkers see; what they say of it is up to them.
type court struct {
	*shadow.Chain
	t        *testing.T
	owners   []gen.Account // owner i has Container i+1
	checkers []gen.Account

	broken map[uint64]bool            // Containers that do not answer
	serves map[uint64]served          // what workers answer Checkers; those that are not in it answer the truth
	lies   map[string]map[uint64]bool // what a Checker says of a Container whatever it sees: true is healthy
	sealed map[string]checkstypes.Report
	beat   time.Time
}

// served is what a worker says that its Container does.
type served struct {
	lease   string
	running bool
}

// newCourt starts a chain on which that many Containers are healthy and offered. edit may change the genesis.
func newCourt(t *testing.T, containers, checkers int, edit func(*athtypes.GenesisState, *providerstypes.GenesisState, *leasestypes.GenesisState)) *court {
	t.Helper()
	c := &court{t: t, broken: map[uint64]bool{}, serves: map[uint64]served{}, lies: map[string]map[uint64]bool{}, sealed: map[string]checkstypes.Report{}}
	people := []gen.Account{gen.NewAccount("tenant"), gen.NewAccount("other"), gen.NewAccount("stranger")}
	for i := range containers {
		c.owners = append(c.owners, gen.NewAccount(fmt.Sprint("owner-", i+1)))
	}
	for i := range checkers {
		c.checkers = append(c.checkers, gen.NewAccount(fmt.Sprint("checker-", i+1)))
	}
	people = append(append(people, c.owners...), c.checkers...)
	c.Chain = shadow.New(t, []shadow.Twin{shadow.Plain()}, gen.ATH(100_000), people, func(enc app.Encoding, genesis app.GenesisState) {
		courtGenesis(enc, genesis, uint32(checkers), edit)
	})
	var txs [][]byte
	for _, who := range c.checkers {
		txs = append(txs, c.Sign(who, &checkstypes.MsgBuyLicences{Owner: who.String(), Count: 1, Operator: who.String()}))
	}
	for i, owner := range c.owners {
		txs = append(txs, c.Sign(owner,
			&providerstypes.MsgRegisterProvider{Owner: owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"},
			&providerstypes.MsgRegisterContainers{Owner: owner.String(), MaxStake: gen.ATH(1_000), Containers: []providerstypes.NewContainer{court1(owner.String(), i)}},
			&leasestypes.MsgSetOffers{Operator: owner.String(), Offers: []leasestypes.Offer{courtOffer(uint64(i + 1))}},
		))
	}
	c.must(txs...)
	c.until("all Containers are ready", func() bool {
		for i := range c.owners {
			if c.status(uint64(i+1)).State != providerstypes.ContainerState_CONTAINER_STATE_READY {
				return false
			}
		}
		return true
	})
	return c
}

// courtGenesis shortens what takes hours; the service fee's part for the SLA fund is burnt, so that only tickets feed it.
func courtGenesis(
	enc app.Encoding, genesis app.GenesisState, committee uint32,
	edit func(*athtypes.GenesisState, *providerstypes.GenesisState, *leasestypes.GenesisState),
) {
	var (
		ath       athtypes.GenesisState
		providers providerstypes.GenesisState
		leases    leasestypes.GenesisState
		checks    checkstypes.GenesisState
	)
	for module, state := range map[string]proto.Message{
		athtypes.ModuleName: &ath, providerstypes.ModuleName: &providers, leasestypes.ModuleName: &leases, checkstypes.ModuleName: &checks,
	} {
		enc.Codec.MustUnmarshalJSON(genesis[module], state)
	}
	split := &ath.Params.FeeSplit
	split.BurnPpm, split.SlaFundPpm = split.BurnPpm+split.SlaFundPpm, 0
	providers.Params.HeartbeatInterval = 20 * time.Second
	leases.Params.ReceiptHorizon = leasestypes.MaxReceiptHorizon
	leases.Params.MinCharge, leases.Params.MinRunway = 0, 10*time.Second
	leases.Params.SlaSession, leases.Params.SlaHorizon = courtSession, 10*time.Minute
	checks.Params.RoundDuration, checks.Params.SubmitWindowPpm = courtRound, 400_000
	checks.Params.CommitteeSize, checks.Params.LicenceBond = committee, gen.ATH(100)
	if edit != nil {
		edit(&ath, &providers, &leases)
	}
	for module, state := range map[string]proto.Message{
		athtypes.ModuleName: &ath, providerstypes.ModuleName: &providers, leasestypes.ModuleName: &leases, checkstypes.ModuleName: &checks,
	} {
		genesis[module] = enc.Codec.MustMarshalJSON(state)
	}
}

// court1 is a machine of a provider whose worker's key is known (sim.WorkerKey).
func court1(owner string, n int) providerstypes.NewContainer {
	one, key := machine(owner, n), sim.WorkerKey(owner)
	one.WorkerPubkey = key.Public().(ed25519.PublicKey)
	one.WorkerSignature = ed25519.Sign(key, providerstypes.RegistrationSignBytes(shadow.ChainID, owner, one.Class, one.Fingerprint))
	return one
}

// courtOffer stands by for a fifth and keeps data for a tenth of its price.
func courtOffer(id uint64) leasestypes.Offer {
	rate := math.NewInt(courtRate)
	return leasestypes.Offer{ContainerId: id, Denom: athtypes.Denom, Rate: rate, StandbyRate: rate.QuoRaw(5), StorageRate: rate.QuoRaw(10)}
}

// next makes a block with transactions, in which Checkers report and workers are heard; every invariant holds after it.
func (c *court) next(txs ...[]byte) []*abci.ExecTxResult {
	c.t.Helper()
	mine := len(txs)
	txs = append(txs, c.reports(c.Now().Add(courtBlock))...)
	if c.Now().Sub(c.beat) >= courtRound {
		for i, owner := range c.owners {
			txs = append(txs, c.Sign(owner, &providerstypes.MsgHeartbeat{Operator: owner.String(), Ids: []uint64{uint64(i + 1)}}))
		}
		c.beat = c.Now()
	}
	res := c.Block(courtBlock, txs...)
	for _, result := range res.TxResults[mine:] {
		require.Zero(c.t, result.Code, result.Log)
	}
	require.NoError(c.t, c.App().CheckInvariants(c.Context()), "height %d", c.Height())
	return res.TxResults[:mine]
}

// must makes a block in which all transactions succeed.
func (c *court) must(txs ...[]byte) []*abci.ExecTxResult {
	c.t.Helper()
	res := c.next(txs...)
	for _, result := range res {
		require.Zero(c.t, result.Code, result.Log)
	}
	return res
}

// refused makes a block with a transaction that fails with an error that says this.
func (c *court) refused(says string, tx []byte) {
	c.t.Helper()
	res := c.next(tx)
	require.NotZero(c.t, res[0].Code)
	require.Contains(c.t, res[0].Log, says)
}

func (c *court) run(d time.Duration) {
	c.t.Helper()
	for end := c.Now().Add(d); c.Now().Before(end); {
		c.must()
	}
}

func (c *court) until(what string, so func() bool) {
	c.t.Helper()
	for range 120 {
		if so() {
			return
		}
		c.must()
	}
	require.Fail(c.t, "never: "+what)
}

// faulty lets a Container fail until Checkers have found it faulty, and returns since when.
func (c *court) faulty(container uint64) time.Time {
	c.t.Helper()
	c.broken[container] = true
	c.until("a verdict", func() bool { return c.status(container).FaultAt != nil })
	return *c.status(container).FaultAt
}

// healed lets it answer again until they have found it healthy.
func (c *court) healed(container uint64) {
	c.t.Helper()
	delete(c.broken, container)
	c.until("a verdict", func() bool { return c.status(container).FaultAt == nil })
}

func (c *court) reports(at time.Time) [][]byte {
	c.t.Helper()
	var round checkstypes.QueryRoundResponse
	c.Query("/athd.checks.v1.Query/Round", &checkstypes.QueryRoundRequest{}, &round)
	if round.Round.Number == 0 || at.Before(round.SubmitFrom) {
		return nil
	}
	var txs [][]byte
	for _, who := range c.checkers {
		var work checkstypes.QueryAssignmentResponse
		c.Query("/athd.checks.v1.Query/Assignment", &checkstypes.QueryAssignmentRequest{Operator: who.String()}, &work)
		if work.Committed || !work.Complete || len(work.Shards) == 0 {
			continue
		}
		salt := func(round uint64) []byte {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(who.Name), round))
			return sum[:]
		}
		msg := &checkstypes.MsgSubmitReport{Operator: who.String(), Round: work.Round}
		if before, ok := c.sealed[who.Name]; ok && work.OwesReveal {
			msg.Reveal, msg.Salt = &before, salt(work.Round-1)
		}
		report := c.probe(who, work.Shards)
		msg.Commit = checkstypes.CommitHash(shadow.ChainID, who.String(), work.Round, report, salt(work.Round))
		c.sealed[who.Name] = report
		txs = append(txs, c.Sign(who, msg))
	}
	return txs
}

// probe is what a Checker says of its shards' members.
func (c *court) probe(who gen.Account, shards []checkstypes.AssignedShard) checkstypes.Report {
	var report checkstypes.Report
	for _, s := range shards {
		healthy := bytes.Clone(s.Members)
		for i := range c.owners {
			id := uint64(i + 1)
			shard, slot := providerstypes.ShardOf(id)
			if shard != s.Shard || int(slot/8) >= len(healthy) {
				continue
			}
			says, lies := c.lies[who.Name][id]
			if lies && !says || !lies && (c.broken[id] || !c.answers(id)) {
				healthy[slot/8] &^= 1 << (slot % 8)
			}
		}
		root := sha256.Sum256(healthy)
		report.Shards = append(report.Shards, checkstypes.ShardReport{Shard: s.Shard, Healthy: bytes.TrimRight(healthy, "\x00"), EvidenceRoot: root[:]})
	}
	return report
}

// answers says whether a Checker takes a worker's answer for good: by ath-checker's own code, from the bytes on the wire on.
func (c *court) answers(id uint64) bool {
	c.t.Helper()
	says, ok := c.serves[id]
	if !ok {
		return true
	}
	container, err := c.App().Providers.Container(c.Context(), id)
	require.NoError(c.t, err)
	nonce := bytes.Repeat([]byte{byte(c.Height())}, 32)
	reply := checkstypes.ProbeReply{
		ContainerID: id, Nonce: nonce, BlockHeight: c.Height(), BlockHash: nonce, Fingerprint: container.Fingerprint, LeaseID: says.lease, Running: says.running,
	}
	reply.Signature = ed25519.Sign(sim.WorkerKey(c.owners[id-1].String()), reply.SignBytes(shadow.ChainID))
	raw, err := json.Marshal(reply)
	require.NoError(c.t, err)
	got, err := probe.Check(raw, probe.Target{ContainerID: id, WorkerKey: container.WorkerPubkey, Fingerprint: container.Fingerprint}, nonce, shadow.ChainID)
	require.NoError(c.t, err)
	sample := probe.Sample{ContainerID: id, Kind: probe.OK, LeaseID: got.LeaseID}
	if bound := c.status(id).Lease; bound != "" {
		sample = sample.Refute(c.lease(bound), c.Now())
	}
	return sample.Kind == probe.OK
}

// order asks for the first free one of some Containers.
func (c *court) order(tenant gen.Account, deposit int64, candidates ...uint64) *leasestypes.MsgCreateLease {
	manifest := sha256.Sum256([]byte("manifest"))
	return &leasestypes.MsgCreateLease{
		Tenant: tenant.String(), Candidates: candidates, MaxRate: math.NewInt(courtRate), ManifestHash: manifest[:],
		Deposit: sdk.NewCoin(athtypes.Denom, math.NewInt(deposit)),
	}
}

// rent opens a lease and lets its worker start it in the block after.
func (c *court) rent(msg *leasestypes.MsgCreateLease) string {
	c.t.Helper()
	tenant := c.account(msg.Tenant)
	opened := said[leasestypes.MsgCreateLeaseResponse](c.t, c.must(c.Sign(tenant, msg))[0])
	c.must(c.start(opened.LeaseId))
	return opened.LeaseId
}

// start is the first usage record of a lease in its Container.
func (c *court) start(id string) []byte {
	c.t.Helper()
	lease := c.lease(id)
	image := sha256.Sum256([]byte("image"))
	record := leasestypes.UsageRecord{
		LeaseId: id, Sequence: 1, From: c.Now(), Until: c.Now(), ImageDigest: image[:], BlockHeight: c.Height(), BlockHash: image[:],
	}
	if lease.UsageSequence > 0 { // it is started again
		record.Sequence, record.PrevHash = lease.UsageSequence+1, lease.UsageHash
	}
	record.Signature = ed25519.Sign(sim.WorkerKey(lease.Provider), record.SignBytes(shadow.ChainID))
	return c.Sign(c.account(lease.Provider), &leasestypes.MsgSubmitUsage{Operator: lease.Provider, Records: []leasestypes.UsageRecord{record}})
}

// account finds somebody by address.
func (c *court) account(address string) gen.Account {
	c.t.Helper()
	people := append([]gen.Account{gen.NewAccount("tenant"), gen.NewAccount("other"), gen.NewAccount("stranger")}, c.owners...)
	for _, who := range append(people, c.checkers...) {
		if who.String() == address {
			return who
		}
	}
	require.Fail(c.t, "nobody has the address "+address)
	return gen.Account{}
}

func (c *court) settle(id string) []byte {
	who := gen.NewAccount("stranger")
	return c.Sign(who, &leasestypes.MsgSettle{Signer: who.String(), LeaseIds: []string{id}})
}

func (c *court) close(who gen.Account, id string) []byte {
	return c.Sign(who, &leasestypes.MsgCloseLease{Signer: who.String(), LeaseId: id})
}

func (c *court) failover(who gen.Account, id string) []byte {
	return c.Sign(who, &leasestypes.MsgFailover{Signer: who.String(), LeaseId: id})
}

func (c *court) status(id uint64) providerstypes.ContainerStatus {
	c.t.Helper()
	status, err := c.App().Providers.Status(c.Context(), id)
	require.NoError(c.t, err)
	return status
}

func (c *court) lease(id string) leasestypes.Lease {
	c.t.Helper()
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(c.t, err)
	lease, err := c.App().Leases.Lease(c.Context(), parsed)
	require.NoError(c.t, err)
	return lease
}

func (c *court) receipt(id string) leasestypes.Receipt {
	c.t.Helper()
	parsed, err := leasestypes.ParseLeaseID(id)
	require.NoError(c.t, err)
	receipt, err := c.App().Leases.Receipt(c.Context(), parsed)
	require.NoError(c.t, err)
	return receipt
}

// prepaid is a tenant's balance, before what its leases have used since they were settled.
func (c *court) prepaid(tenant gen.Account) int64 {
	return c.row(athtypes.Row{Kind: athtypes.RowKind_ROW_KIND_PREPAID, Owner: tenant.String(), Denom: athtypes.Denom})
}

func (c *court) row(row athtypes.Row) int64 {
	c.t.Helper()
	amount, err := c.App().Ath.RowAmount(c.Context(), row)
	require.NoError(c.t, err)
	return amount.Int64()
}

// sum adds up an owner's rows of some kinds.
func (c *court) sum(owner gen.Account, kinds ...athtypes.RowKind) int64 {
	c.t.Helper()
	state, err := c.App().Ath.ExportGenesis(c.Context())
	require.NoError(c.t, err)
	total := math.ZeroInt()
	for _, r := range state.Rows {
		for _, kind := range kinds {
			if r.Row.Owner == owner.String() && r.Row.Kind == kind {
				total = total.Add(r.Amount)
			}
		}
	}
	return total.Int64()
}

// fees are a provider's service fees that vest.
func (c *court) fees(owner gen.Account) int64 {
	return c.sum(owner, athtypes.RowKind_ROW_KIND_VESTING_FEES)
}

// tickets are the open tickets of a provider.
func (c *court) tickets(owner gen.Account) (open []providerstypes.Ticket) {
	c.t.Helper()
	state, err := c.App().Providers.ExportGenesis(c.Context())
	require.NoError(c.t, err)
	for _, ticket := range state.Tickets {
		if ticket.Provider == owner.String() {
			open = append(open, ticket)
		}
	}
	return open
}

// said decodes the response of the first message of a transaction.
func said[T any, P interface {
	*T
	proto.Message
}](t *testing.T, result *abci.ExecTxResult) P {
	t.Helper()
	var data sdk.TxMsgData
	require.NoError(t, proto.Unmarshal(result.Data, &data))
	require.NotEmpty(t, data.MsgResponses)
	response := P(new(T))
	require.NoError(t, proto.Unmarshal(data.MsgResponses[0].Value, response))
	return response
}
