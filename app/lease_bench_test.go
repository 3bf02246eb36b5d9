// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/server"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"github.com/athnet/ath/app"
	"github.com/athnet/ath/testutil/gen"
	"github.com/athnet/ath/testutil/shadow"
	athtypes "github.com/athnet/ath/x/ath/types"
	checkstypes "github.com/athnet/ath/x/checks/types"
	leaseskeeper "github.com/athnet/ath/x/leases/keeper"
	leasestypes "github.com/athnet/ath/x/leases/types"
	providerstypes "github.com/athnet/ath/x/providers/types"
)

const (
	// senders sign one transaction of a block each; as many again only receive.
	senders = 200
	// prepaidATH is what each of them has deposited before anything is measured.
	prepaidATH = 100_000
)

// street is an application on a real store on disk, with many Containers to lease.
type street struct {
	b         testing.TB
	app       *app.App
	db        *dbm.GoLevelDB
	now       time.Time
	height    int64
	owner     gen.Account
	accounts  []gen.Account
	numbers   map[string]uint64
	sequences map[string]uint64
	next      uint64 // the next Container that is free
}

// newStreet opens an application with so many free Containers, each with an offer, and accounts with a prepaid balance; others hold coins only.
func newStreet(b testing.TB, options map[string]any, containers int, others ...gen.Account) *street {
	b.Helper()
	s := &street{b: b, now: shadow.Start, owner: gen.NewAccount("owner"), numbers: map[string]uint64{}, sequences: map[string]uint64{}, next: 1}
	for i := range 2 * senders {
		s.accounts = append(s.accounts, gen.NewAccount(fmt.Sprintf("tenant %d", i)))
	}
	db, err := app.OpenDB(b.TempDir(), dbm.GoLevelDBBackend) // as `athd start` does
	require.NoError(b, err)
	s.db = db.(*dbm.GoLevelDB)
	s.app = app.New(log.NewNopLogger(), s.db, true, shadow.Twin{Options: options},
		baseapp.SetChainID(shadow.ChainID), baseapp.SetIAVLCacheSize(int(serverconfig.DefaultConfig().IAVLCacheSize))) // as `athd start` does
	b.Cleanup(func() { require.NoError(b, s.app.Close()) })
	client, err := app.NewClient()
	require.NoError(b, err)
	genesis := client.Basics.DefaultGenesis(client.Codec)
	edit(client.Codec, genesis, leasestypes.ModuleName, func(g *leasestypes.GenesisState) { g.Params.MaxClosesPerBlock = leasestypes.MaxClosesPerBlock })
	// Rounds of checking are made by hand, below, and cost no block of the benchmark anything.
	edit(client.Codec, genesis, checkstypes.ModuleName, func(g *checkstypes.GenesisState) { g.Params.RoundDuration = 24 * time.Hour })
	// Somebody owns every Container: as many accounts hold coins as there are machines, so that both kinds of transactions meet state of
	// one size.
	everybody := append(append(s.accounts, s.owner), others...)
	for i := len(everybody); i < containers; i++ {
		everybody = append(everybody, gen.NewAccount(fmt.Sprintf("bystander %d", i)))
	}
	genesis, err = gen.Genesis(client.Encoding, genesis, shadow.ChainID, gen.ATH(400_000), everybody...)
	require.NoError(b, err)
	state, err := json.Marshal(genesis)
	require.NoError(b, err)
	limits := app.BlockLimits()
	_, err = s.app.InitChain(&abci.RequestInitChain{
		Time: s.now, ChainId: shadow.ChainID, AppStateBytes: state, InitialHeight: 1,
		ConsensusParams: &cmtproto.ConsensusParams{Block: &cmtproto.BlockParams{MaxBytes: limits.MaxBytes, MaxGas: limits.MaxGas}},
	})
	require.NoError(b, err)
	s.block()
	s.stock(containers)
	var txs [][]byte
	for _, a := range s.accounts {
		txs = append(txs, s.sign(a, &leasestypes.MsgDeposit{Depositor: a.String(), Amount: sdk.NewCoin(athtypes.Denom, gen.ATH(prepaidATH))}))
	}
	s.block(txs...)
	return s
}

// stock registers Containers of class cpu, prices them and has them found healthy.
func (s *street) stock(containers int) {
	s.b.Helper()
	const batch = 250
	s.block(s.sign(s.owner, &providerstypes.MsgRegisterProvider{Owner: s.owner.String(), Tier: providerstypes.Tier_TIER_EDGE, Country: "DE"}))
	for first := 1; first <= containers; first += batch {
		register := &providerstypes.MsgRegisterContainers{Owner: s.owner.String(), MaxStake: gen.ATH(30_000_000)}
		offers := &leasestypes.MsgSetOffers{Operator: s.owner.String()}
		for id := first; id < first+batch && id <= containers; id++ {
			machine := rackMachine(s.owner, id)
			machine.Class, machine.Count, machine.Spec.Gpus = "cpu", 1, 0
			machine.WorkerSignature = ed25519.Sign(rackKey(id), providerstypes.RegistrationSignBytes(shadow.ChainID, s.owner.String(), machine.Class, machine.Fingerprint))
			register.Containers = append(register.Containers, machine)
			offers.Offers = append(offers.Offers, leasestypes.Offer{
				ContainerId: uint64(id), Denom: athtypes.Denom, Rate: math.NewInt(int64(1_000_000 + id)), MinCharge: time.Minute,
			})
		}
		s.block(s.sign(s.owner, register))
		s.block(s.sign(s.owner, offers))
	}
	s.beat(containers)
	ctx := s.state()
	shards, err := s.app.Providers.Shards(ctx)
	require.NoError(s.b, err)
	for round := uint64(1); round <= 3; round++ { // who joins a shard is spoken of two rounds later
		require.NoError(s.b, s.app.Ath.MarkRound(ctx, round))
		from := s.now.Add(time.Duration(round)*time.Second - time.Minute)
		for shard := range shards {
			var all providerstypes.Bitmap
			for slot := range uint64(providerstypes.ShardSize) {
				all = all.With(slot)
			}
			require.NoError(s.b, s.app.Providers.ApplyVerdict(ctx, providerstypes.ShardVerdict{
				Shard: shard, Round: round, From: from, Until: from.Add(time.Second), FaultSince: from, Decided: true, Healthy: all,
			}))
		}
	}
	s.beat(containers) // as workers do every five minutes
	require.NoError(s.b, s.app.Providers.Bindable(ctx, 1))
}

// beat lets every worker say that it lives.
func (s *street) beat(containers int) {
	s.b.Helper()
	for first := 1; first <= containers; first += 500 {
		heartbeat := &providerstypes.MsgHeartbeat{Operator: s.owner.String()}
		for id := first; id < first+500 && id <= containers; id++ {
			heartbeat.Ids = append(heartbeat.Ids, uint64(id))
		}
		s.block(s.sign(s.owner, heartbeat))
	}
}

// sign makes a transaction with a fee and an ordinary sequence.
func (s *street) sign(a gen.Account, msgs ...sdk.Msg) []byte {
	s.b.Helper()
	return s.signFor(90_000_000, a, msgs...)
}

// signFor is sign with a limit of gas.
func (s *street) signFor(gas uint64, a gen.Account, msgs ...sdk.Msg) []byte {
	s.b.Helper()
	if _, known := s.numbers[a.Name]; !known {
		ctx := s.state()
		s.numbers[a.Name] = s.app.Account.GetAccount(ctx, a.Address()).GetAccountNumber()
	}
	tx, err := gen.Sign(s.app.TxConfig(), a, authsigning.SignerData{
		ChainID: shadow.ChainID, AccountNumber: s.numbers[a.Name], Sequence: s.sequences[a.Name],
	}, gen.Options{Gas: gas, Fee: math.NewInt(1_000)}, msgs...)
	require.NoError(s.b, err)
	s.sequences[a.Name]++
	bytes, err := s.app.TxConfig().TxEncoder()(tx)
	require.NoError(s.b, err)
	return bytes
}

// block executes and commits one, a second after the last; it returns how long that took, and the results, all of which must succeed.
func (s *street) block(txs ...[]byte) (time.Duration, *abci.ResponseFinalizeBlock) {
	s.b.Helper()
	return s.blockAfter(time.Second, txs...)
}

func (s *street) blockAfter(after time.Duration, txs ...[]byte) (time.Duration, *abci.ResponseFinalizeBlock) {
	s.b.Helper()
	s.height, s.now = s.height+1, s.now.Add(after)
	commit := abci.CommitInfo{}
	if s.height > 1 {
		validator := gen.NewValidator().Consensus.PubKey().Address()
		commit.Votes = []abci.VoteInfo{{Validator: abci.Validator{Address: validator, Power: 100}, BlockIdFlag: cmtproto.BlockIDFlagCommit}}
	}
	begin := time.Now()
	res, err := s.app.FinalizeBlock(&abci.RequestFinalizeBlock{
		Txs: txs, Height: s.height, Time: s.now, DecidedLastCommit: commit, ProposerAddress: gen.NewValidator().Consensus.PubKey().Address(),
	})
	require.NoError(s.b, err)
	_, err = s.app.Commit()
	took := time.Since(begin)
	require.NoError(s.b, err)
	for i, r := range res.TxResults {
		require.Zero(s.b, r.Code, "transaction %d of block %d: %s", i, s.height, r.Log)
	}
	return took, res
}

// state is that after the last block; what is written to it is in the next one's.
func (s *street) state() sdk.Context {
	return s.app.NewUncachedContext(false, cmtproto.Header{ChainID: shadow.ChainID, Height: s.height, Time: s.now}) //nolint:staticcheck // the state itself is meant, not a cache over it
}

// take names the next free Container.
func (s *street) take() []uint64 {
	s.next++
	return []uint64{s.next - 1}
}

func (s *street) order(tenant string) *leasestypes.MsgCreateLease {
	return &leasestypes.MsgCreateLease{
		Tenant: tenant, Candidates: s.take(), MaxRate: math.NewInt(1_000_000_000), ManifestHash: make([]byte, 32),
		Deposit: sdk.NewCoin(athtypes.Denom, math.ZeroInt()),
	}
}

// opens are transactions that open a lease each.
func (s *street) opens() (txs [][]byte) {
	for _, a := range s.accounts[:senders] {
		txs = append(txs, s.sign(a, s.order(a.String())))
	}
	return txs
}

// batches are transactions that open ten leases each.
func (s *street) batches() (txs [][]byte) {
	for _, a := range s.accounts[:senders] {
		msg := &leasestypes.MsgCreateLeases{Tenant: a.String(), Deposit: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}
		for range 10 {
			order := s.order("")
			order.Deposit = sdk.Coin{}
			msg.Orders = append(msg.Orders, *order)
		}
		txs = append(txs, s.sign(a, msg))
	}
	return txs
}

// sends are bank sends between accounts that exist, one of each sender.
func (s *street) sends() (txs [][]byte) {
	for i, a := range s.accounts[:senders] {
		txs = append(txs, s.sign(a, &banktypes.MsgSend{
			FromAddress: a.String(), ToAddress: s.accounts[senders+i].String(), Amount: sdk.NewCoins(sdk.NewInt64Coin(athtypes.Denom, 1)),
		}))
	}
	return txs
}

// closes end every lease that the results of a block have opened.
func (s *street) closes(opened *abci.ResponseFinalizeBlock) (txs [][]byte) {
	for i, a := range s.accounts[:senders] {
		res := answerOf[leasestypes.MsgCreateLeaseResponse](s.b, opened.TxResults[i])
		txs = append(txs, s.sign(a, &leasestypes.MsgCloseLease{Signer: a.String(), LeaseId: res.LeaseId}))
	}
	return txs
}

// keys counts the sets and deletes of a transaction alone on persistent stores: checks, fee and messages, not the block around it.
func (s *street) keys(tx []byte) int {
	s.b.Helper()
	ctx := s.state().WithBlockHeight(s.height + 1).WithBlockTime(s.now.Add(time.Second)).WithTxBytes(tx)
	root := s.app.CommitMultiStore()
	root.AddListeners(s.app.PersistentKeys())
	root.PopStateCache()
	cached := ctx.MultiStore().CacheMultiStore()
	ctx = ctx.WithMultiStore(cached).WithIsCheckTx(false)
	decoded, err := s.app.TxConfig().TxDecoder()(tx)
	require.NoError(s.b, err)
	ctx, err = s.app.Ante()(ctx, decoded, false)
	require.NoError(s.b, err)
	for _, msg := range decoded.GetMsgs() {
		_, err := s.app.MsgServiceRouter().Handler(msg)(ctx, msg)
		require.NoError(s.b, err)
	}
	cached.Write()
	seen := map[string]bool{}
	for _, pair := range root.PopStateCache() {
		seen[pair.StoreKey+"/"+string(pair.Key)] = true
	}
	return len(seen)
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// compare runs blocks of the two kinds in turns and returns the median of how much faster one of the first kind is done than one of the
// second. Which comes first changes from round to round: what a block leaves to the collector or to the store's compaction, the next pays.
func compare(rounds int, first, second func() time.Duration) float64 {
	var ratios []float64
	for round := range rounds {
		var a, b time.Duration
		if round%2 == 0 {
			a, b = first(), second()
		} else {
			b, a = second(), first()
		}
		ratios = append(ratios, b.Seconds()/a.Seconds())
	}
	return median(ratios)
}

func (s *street) timed(txs [][]byte) time.Duration {
	took, _ := s.block(txs...)
	return took
}

var parallel = map[string]any{
	server.FlagBlockExecutor: serverconfig.BlockExecutorBlockSTM, server.FlagBlockSTMWorkers: 2, server.FlagBlockSTMPreEstimate: true,
}

// BenchmarkFigureLease compares leases with bank sends: signed, ordered, with a fee, one sender per transaction, begin of the block to
// its commit. Blocks of both kinds take turns.
func BenchmarkFigureLease(b *testing.B) {
	for b.Loop() {
		s := compareOpens(b, nil, "")
		b.ReportMetric(prepaidATH, "lease_deposit_ath")
		s.costs(b)
	}
}

// BenchmarkFigureLeaseParallel is BenchmarkFigureLease on the parallel executor.
func BenchmarkFigureLeaseParallel(b *testing.B) {
	for b.Loop() {
		compareOpens(b, parallel, "_stm")
	}
}

// compareOpens compares single leases and batches with sends.
func compareOpens(b *testing.B, options map[string]any, suffix string) *street {
	const rounds, more = 11, 4 // what costs measures
	s := newStreet(b, options, rounds*senders+rounds*10*senders+more)
	s.timed(s.sends())
	b.ReportMetric(compare(rounds, func() time.Duration { return s.timed(s.opens()) }, func() time.Duration { return s.timed(s.sends()) }), "lease_per_send"+suffix)
	b.ReportMetric(10*compare(rounds, func() time.Duration { return s.timed(s.batches()) }, func() time.Duration { return s.timed(s.sends()) }),
		"lease_batch_per_send"+suffix)
	return s
}

// costs reports what opening a lease, and closing one that has run and is billed, write and burn.
func (s *street) costs(b *testing.B) {
	tenant := s.accounts[0]
	run := func() (open []byte, opened *abci.ExecTxResult, lease string) {
		order := s.order(tenant.String())
		open = s.sign(tenant, order)
		_, res := s.block(open)
		lease = answerOf[leasestypes.MsgCreateLeaseResponse](b, res.TxResults[0]).LeaseId
		s.block(s.sign(s.owner, s.usage(s.record(lease, order.Candidates[0]))))
		return open, res.TxResults[0], lease
	}
	closing := func(lease string) []byte {
		return s.sign(tenant, &leasestypes.MsgCloseLease{Signer: tenant.String(), LeaseId: lease})
	}
	b.ReportMetric(float64(s.keys(s.sign(tenant, s.order(tenant.String())))), "lease_keys_written")
	open, opened, lease := run()
	_, _, other := run()
	s.blockAfter(time.Hour)
	ending := closing(lease)
	_, closed := s.block(ending)
	b.ReportMetric(float64(opened.GasUsed), "lease_gas")
	b.ReportMetric(float64(closed.TxResults[0].GasUsed), "close_gas")
	b.ReportMetric(float64(len(open)), "lease_bytes")
	b.ReportMetric(float64(len(ending)), "close_bytes")
	b.ReportMetric(float64(s.keys(closing(other))), "lease_keys_closed")
}

// BenchmarkFigureLease20k does it beside 20,000 open leases, closes included.
func BenchmarkFigureLease20k(b *testing.B) {
	for b.Loop() {
		s, opened := compareBeside20k(b, nil, "")
		s.blockAfter(time.Minute)
		b.ReportMetric(1/compare(len(opened), func() time.Duration {
			next := opened[0]
			opened = opened[1:]
			return s.timed(s.closes(next))
		}, func() time.Duration { return s.timed(s.sends()) }), "close_ms_20k")
	}
}

// BenchmarkFigureLease20kParallel is the same on the parallel executor.
func BenchmarkFigureLease20kParallel(b *testing.B) {
	for b.Loop() {
		compareBeside20k(b, parallel, "_stm")
	}
}

// compareBeside20k compares leases with sends beside 20,000 open ones; it returns what the blocks of leases have opened.
func compareBeside20k(b *testing.B, options map[string]any, suffix string) (*street, []*abci.ResponseFinalizeBlock) {
	const rounds = 9
	s := newStreet(b, options, 20_000+(rounds+1)*senders)
	for range 10 {
		s.timed(s.batches())
	}
	s.timed(s.sends())
	var opened []*abci.ResponseFinalizeBlock
	b.ReportMetric(compare(rounds, func() time.Duration {
		took, res := s.block(s.opens()...)
		opened = append(opened, res)
		return took
	}, func() time.Duration { return s.timed(s.sends()) }), "lease_per_send_20k"+suffix)
	return s, opened
}

// BenchmarkFigureSettleDue lets 10,000 leases run dry at one moment: the next block ends them all.
func BenchmarkFigureSettleDue(b *testing.B) {
	const due = 10_000
	for b.Loop() {
		s := newStreet(b, nil, due)
		for range due / (10 * senders) {
			s.timed(s.batches())
		}
		withdraw := [][]byte{}
		for _, a := range s.accounts[:senders] {
			withdraw = append(withdraw, s.sign(a, &leasestypes.MsgWithdrawDeposit{Tenant: a.String(), Amount: sdk.NewCoin(athtypes.Denom, math.ZeroInt())}))
		}
		s.block(withdraw...)
		blocks, took := 0, time.Duration(0)
		for open := due; open > 0; {
			t, _ := s.blockAfter(time.Hour)
			took += t
			blocks++
			require.Less(b, blocks, 100)
			open = s.openLeases()
		}
		b.ReportMetric(float64(blocks), "settle_due_to_done_blocks")
		b.ReportMetric(due/took.Seconds(), "settle_drain_per_s")
	}
}

func (s *street) openLeases() int {
	s.b.Helper()
	ctx := s.state()
	open := 0
	for _, a := range s.accounts[:senders] {
		res, err := leaseskeeper.NewQueryServer(s.app.Leases).Account(ctx, &leasestypes.QueryAccountRequest{Tenant: a.String()})
		require.NoError(s.b, err)
		open += int(res.Account.OpenLeases)
	}
	return open
}

// BenchmarkFigureEmptyBlock compares blocks without transactions beside a million open leases with blocks beside none.
func BenchmarkFigureEmptyBlock(b *testing.B) {
	const leases, rounds = 1_000_000, 21
	for b.Loop() {
		few, many := newStreet(b, nil, 1), newStreet(b, nil, 1)
		many.fill(leases)
		for _, s := range []*street{few, many} { // what was written at once has found its place, as on a chain that grew
			require.NoError(b, s.db.ForceCompact(nil, nil))
		}
		runtime.GC()
		for range 3 {
			few.block()
			many.block()
		}
		b.ReportMetric(compare(rounds, func() time.Duration { return few.timed(nil) }, func() time.Duration { return many.timed(nil) }), "empty_block_ratio_1m")
	}
}

// fill writes open leases and the accounts that they are of into the store, as a genesis would: a hundred each, every fourth with an agreed
// end, so that both queues hold what is not due.
func (s *street) fill(leases int) {
	s.b.Helper()
	const each, balance = 100, 20
	offer := leasestypes.Offer{Denom: athtypes.Denom, Rate: math.NewInt(1_000_000)}
	for first := 0; first < leases; first += 500 * each {
		var deposits []sdk.Msg
		state := leasestypes.GenesisState{Params: leasestypes.DefaultParams()}
		for number := first; number < min(first+500*each, leases); number += each {
			who := gen.NewAccount(fmt.Sprintf("crowd %d", number)).Address()
			deposits = append(deposits, &leasestypes.MsgDeposit{Depositor: s.owner.String(), Tenant: who.String(), Amount: sdk.NewCoin(athtypes.Denom, gen.ATH(balance))})
			account := leasestypes.NewAccount(who.String(), athtypes.Denom, s.now)
			for n := range each {
				offer.ContainerId = uint64(1_000_000 + number + n)
				order := &leasestypes.MsgCreateLease{ManifestHash: make([]byte, 32)}
				if n%4 == 0 {
					order.Duration = 365 * 24 * time.Hour
				}
				lease := leasestypes.NewLease(account, offer, s.owner.String(), order, s.now, 0, nil)
				account = account.Opened(lease)
				state.Leases = append(state.Leases, lease)
			}
			account.QueuedAt = account.QueueAt(gen.ATH(balance), s.now, nil)
			state.Accounts = append(state.Accounts, account)
		}
		sort(&state)
		s.block(s.sign(s.owner, deposits...))
		ctx := s.state()
		require.NoError(s.b, s.app.Leases.InitGenesis(ctx, state))
	}
	s.block()
}

// sort puts leases into the order of their keys, as an export has them.
func sort(state *leasestypes.GenesisState) {
	slices.SortStableFunc(state.Leases, func(a, b leasestypes.Lease) int {
		return bytes.Compare(sdk.MustAccAddressFromBech32(a.Tenant), sdk.MustAccAddressFromBech32(b.Tenant))
	})
}

// answerOf decodes the first message's answer in a result.
func answerOf[T any, P interface {
	*T
	Unmarshal([]byte) error
}](b testing.TB, res *abci.ExecTxResult,
) *T {
	b.Helper()
	var data sdk.TxMsgData
	require.NoError(b, data.Unmarshal(res.Data))
	answer := P(new(T))
	require.NoError(b, answer.Unmarshal(data.MsgResponses[0].Value))
	return (*T)(answer)
}
