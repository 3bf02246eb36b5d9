// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/codec"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	simtestutil "github.com/cosmos/cosmos-sdk/testutil/sims"
	sdk "github.com/cosmos/cosmos-sdk/types"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

// blockTime of the market's chain.
const blockTime = 2 * time.Second

// market is a chain with a provider, tenants, Checkers that work, and a worker whose key signs usage.
type market struct {
	*shadow.Chain
	t        *testing.T
	owner    gen.Account // the provider's cold key
	hot      gen.Account // its operator
	purse    gen.Account // where its income is paid to
	tenant   gen.Account
	checkers []gen.Account
	worker   ed25519.PrivateKey

	broken  map[uint64]bool // Containers that do not answer
	sealed  map[string]sealed
	usage   map[string]leasestypes.UsageRecord // last record of each lease
	silent  bool                               // no heartbeats
	ids     []uint64
	lastHot time.Time
}

type sealed struct {
	round  uint64
	report checkstypes.Report
}

// newMarket starts a chain whose epochs, rounds and delays are short.
func newMarket(t *testing.T, twins []shadow.Twin, opts ...shadow.Option) *market {
	return newMarketOf(t, twins, quickGenesis, opts...)
}

// newMarketOf is newMarket with a genesis of its own.
func newMarketOf(t *testing.T, twins []shadow.Twin, genesis func(app.Encoding, app.GenesisState), opts ...shadow.Option) *market {
	m := &market{
		t: t, owner: gen.NewAccount("owner"), hot: gen.NewAccount("hot"), purse: gen.NewAccount("purse"), tenant: gen.NewAccount("tenant"),
		broken: map[uint64]bool{}, sealed: map[string]sealed{}, usage: map[string]leasestypes.UsageRecord{},
	}
	for _, name := range []string{"checker-a", "checker-b", "checker-c"} {
		m.checkers = append(m.checkers, gen.NewAccount(name))
	}
	key := sha256.Sum256([]byte("worker"))
	m.worker = ed25519.NewKeyFromSeed(key[:])
	people := append([]gen.Account{m.owner, m.hot, m.purse, m.tenant}, m.checkers...)
	m.Chain = shadow.New(t, twins, gen.ATH(100_000), people, genesis, opts...)
	return m
}

// quickGenesis shortens what takes days on a public network.
func quickGenesis(enc app.Encoding, genesis app.GenesisState) {
	edit(enc.Codec, genesis, athtypes.ModuleName, func(g *athtypes.GenesisState) {
		g.Params.EpochDuration = time.Minute
		g.Params.VerdictHorizonEpochs = 1
		g.Params.FeeVesting = 30 * time.Second
		g.Params.RewardVesting = []athtypes.Tranche{{Delay: 0, Ppm: 300_000}, {Delay: 40 * time.Second, Ppm: 700_000}}
		g.Params.CheckerVesting = []athtypes.Tranche{{Delay: 20 * time.Second, Ppm: 1_000_000}}
		g.Params.MinExitDelay = 10 * time.Second
		g.Params.RewardExits = []athtypes.ExitOption{{Delay: 10 * time.Second, PenaltyPpm: 800_000}}
		g.Params.FeeExits = []athtypes.ExitOption{{Delay: 10 * time.Second, PenaltyPpm: 400_000}}
		g.Params.CheckerExits = []athtypes.ExitOption{{Delay: 10 * time.Second, PenaltyPpm: 750_000}}
	})
	edit(enc.Codec, genesis, providerstypes.ModuleName, func(g *providerstypes.GenesisState) {
		g.Params.UnbondingTime = 30 * time.Second
		g.Params.HeartbeatInterval = 20 * time.Second
		g.Params.CapacitySuspension = 0
	})
	edit(enc.Codec, genesis, leasestypes.ModuleName, func(g *leasestypes.GenesisState) {
		g.Params.MinCharge = 0
		g.Params.MinRunway = 10 * time.Second
	})
	edit(enc.Codec, genesis, govtypes.ModuleName, func(g *govv1.GenesisState) {
		voting, expedited := 20*time.Second, 10*time.Second
		g.Params.VotingPeriod, g.Params.ExpeditedVotingPeriod = &voting, &expedited
	})
	edit(enc.Codec, genesis, checkstypes.ModuleName, func(g *checkstypes.GenesisState) {
		g.Params.RoundDuration = 10 * time.Second
		g.Params.SubmitWindowPpm = 400_000
		g.Params.CommitteeSize = 3
		g.Params.LicenceBond = gen.ATH(100)
		g.Params.UnbondingTime = 30 * time.Second
	})
}

func edit[T any, P interface {
	*T
	proto.Message
}](cdc codec.JSONCodec, genesis app.GenesisState, module string, change func(P)) {
	state := P(new(T))
	cdc.MustUnmarshalJSON(genesis[module], state)
	change(state)
	genesis[module] = cdc.MustMarshalJSON(state)
}

// next makes a block with transactions, in which Checkers and worker do their part; all must succeed. After it every
// invariant holds.
func (m *market) next(txs ...[]byte) *abci.ResponseFinalizeBlock {
	m.t.Helper()
	mine := len(txs)
	txs = append(txs, m.reports(m.Now().Add(blockTime))...)
	if !m.silent && len(m.ids) > 0 && m.Now().Sub(m.lastHot) >= 10*time.Second {
		txs = append(txs, m.Sign(m.hot, &providerstypes.MsgHeartbeat{Operator: m.hot.String(), Ids: m.ids}))
		m.lastHot = m.Now()
	}
	res := m.Block(blockTime, txs...)
	for i, result := range res.TxResults {
		require.Zero(m.t, result.Code, "transaction %d of %d own ones at height %d: %s", i, mine, m.Height(), result.Log)
	}
	m.check()
	return res
}

// refused makes a block with one transaction that must fail with an error that says this.
func (m *market) refused(says string, tx []byte) {
	m.t.Helper()
	res := m.Block(blockTime, tx)
	require.NotZero(m.t, res.TxResults[0].Code)
	require.Contains(m.t, res.TxResults[0].Log, says)
	m.check()
}

// check checks all invariants, and that no coin came or went but by emission and burning.
func (m *market) check() {
	m.t.Helper()
	ctx := m.Context()
	require.NoError(m.t, m.App().CheckInvariants(ctx), "height %d", m.Height())
	var supply athtypes.QuerySupplyResponse
	m.Query("/athd.ath.v1.Query/Supply", &athtypes.QuerySupplyRequest{}, &supply)
	total := m.App().Bank.GetSupply(ctx, athtypes.Denom).Amount
	require.Equal(m.t, supply.Minted.Sub(supply.Burnt).String(), total.String(), "height %d: minted less burnt is the supply", m.Height())
	sum := math.ZeroInt()
	for _, balance := range m.App().Bank.GetAccountsBalances(ctx) {
		sum = sum.Add(balance.Coins.AmountOf(athtypes.Denom))
	}
	require.Equal(m.t, total.String(), sum.String(), "height %d: balances add up to the supply", m.Height())
}

// until makes blocks until something is so.
func (m *market) until(what string, so func() bool) {
	m.t.Helper()
	for range 120 {
		if so() {
			return
		}
		m.next()
	}
	require.Fail(m.t, "never: "+what)
}

// run makes blocks for a time.
func (m *market) run(d time.Duration) {
	m.t.Helper()
	for end := m.Now().Add(d); m.Now().Before(end); {
		m.next()
	}
}

// reports makes the Checkers' transactions that fall due at a time: each opens what it sealed and seals what it sees.
func (m *market) reports(at time.Time) [][]byte {
	m.t.Helper()
	var round checkstypes.QueryRoundResponse
	m.Query("/athd.checks.v1.Query/Round", &checkstypes.QueryRoundRequest{}, &round)
	if round.Round.Number == 0 || at.Before(round.SubmitFrom) {
		return nil
	}
	var txs [][]byte
	for _, c := range m.checkers {
		var work checkstypes.QueryAssignmentResponse
		m.Query("/athd.checks.v1.Query/Assignment", &checkstypes.QueryAssignmentRequest{Operator: c.String()}, &work)
		if work.Committed || !work.Complete || len(work.Shards) == 0 {
			continue
		}
		msg := &checkstypes.MsgSubmitReport{Operator: c.String(), Round: work.Round}
		if before, ok := m.sealed[c.Name]; ok && work.OwesReveal {
			require.Equal(m.t, work.Round-1, before.round)
			msg.Reveal, msg.Salt = &before.report, salt(c, before.round)
		}
		report := m.probe(work.Shards)
		msg.Commit = checkstypes.CommitHash(shadow.ChainID, c.String(), work.Round, report, salt(c, work.Round))
		m.sealed[c.Name] = sealed{work.Round, report}
		txs = append(txs, m.Sign(c, msg))
	}
	return txs
}

// probe reports all members healthy that are not broken.
func (m *market) probe(shards []checkstypes.AssignedShard) checkstypes.Report {
	var report checkstypes.Report
	for _, s := range shards {
		healthy := bytes.Clone(s.Members)
		for id := range m.broken {
			if shard, slot := providerstypes.ShardOf(id); shard == s.Shard && m.broken[id] && int(slot/8) < len(healthy) {
				healthy[slot/8] &^= 1 << (slot % 8)
			}
		}
		root := sha256.Sum256(healthy)
		report.Shards = append(report.Shards, checkstypes.ShardReport{
			Shard: s.Shard, Healthy: bytes.TrimRight(healthy, "\x00"), EvidenceRoot: root[:],
		})
	}
	return report
}

func salt(c gen.Account, round uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(c.Name), round))
	return sum[:]
}

// use signs the next usage record of a lease, up to the last block's time.
func (m *market) use(lease string, from, until time.Time) []byte {
	m.t.Helper()
	last := m.usage[lease]
	image, block := sha256.Sum256([]byte("image")), sha256.Sum256([]byte("block"))
	record := leasestypes.UsageRecord{
		LeaseId: lease, Sequence: last.Sequence + 1, From: from, Until: until, ImageDigest: image[:], CpuMs: 1_000, MemoryMib: 64,
		BlockHeight: m.Height(), BlockHash: block[:],
	}
	if last.Sequence > 0 {
		record.PrevHash = last.SignBytes(shadow.ChainID)
	}
	record.Signature = ed25519.Sign(m.worker, record.SignBytes(shadow.ChainID))
	m.usage[lease] = record
	return m.Sign(m.hot, &leasestypes.MsgSubmitUsage{Operator: m.hot.String(), Records: []leasestypes.UsageRecord{record}})
}

func (m *market) balance(of gen.Account) math.Int {
	return m.App().Bank.GetBalance(m.Context(), of.Address(), athtypes.Denom).Amount
}

func (m *market) status(id uint64) providerstypes.ContainerStatus {
	m.t.Helper()
	status, err := m.App().Providers.Status(m.Context(), id)
	require.NoError(m.t, err)
	return status
}

// answer decodes the response of the first message of a transaction.
func answer[T any, P interface {
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

// export returns the first twin's state as a genesis.
func (m *market) export() servertypes.ExportedApp {
	m.t.Helper()
	exported, err := m.App().ExportAppStateAndValidators(false, nil, nil)
	require.NoError(m.t, err)
	return exported
}

// importOnly loads a state and exports it again, before any block.
func importOnly(t *testing.T, state []byte, height int64, now time.Time) []byte {
	t.Helper()
	a := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, simtestutil.EmptyAppOptions{}, baseapp.SetChainID(shadow.ChainID))
	_, err := a.InitChain(&abci.RequestInitChain{
		Time: now, ChainId: shadow.ChainID, ConsensusParams: &cmtproto.ConsensusParams{}, AppStateBytes: state, InitialHeight: height,
	})
	require.NoError(t, err)
	ctx := a.NewContextLegacy(false, cmtproto.Header{ChainID: shadow.ChainID, Height: height - 1, Time: now})
	genesis, err := a.Export(ctx)
	require.NoError(t, err)
	return genesis
}
