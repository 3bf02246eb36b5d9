// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	addresscodec "github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"

	athtypes "github.com/athnet/ath/x/ath/types"
	"github.com/athnet/ath/x/checks/keeper"
	"github.com/athnet/ath/x/checks/types"
	providertypes "github.com/athnet/ath/x/providers/types"
)

type bitmap = providertypes.Bitmap

// fakeVault keeps rows, bank accounts, weights and marks in plain maps; its beacon follows height and time.
type fakeVault struct {
	rows    map[athtypes.Row]math.Int
	bank    map[string]math.Int
	weights map[string]int64
	marks   []uint64
	fails   error // what MarkRound and AddWeight return
	quarter uint64
	bonus   map[string]int64 // weights of the quarter
}

var errPoor = errors.New("insufficient funds")

func (v *fakeVault) Deposit(_ sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error {
	if amountOf(v.bank, from.String()).LT(amount) {
		return errPoor
	}
	v.bank[from.String()] = v.bank[from.String()].Sub(amount)
	v.rows[to] = amountOf(v.rows, to).Add(amount)
	return nil
}

func (v *fakeVault) Move(_ sdk.Context, from, to athtypes.Row, amount math.Int) error {
	if amountOf(v.rows, from).LT(amount) {
		return errPoor
	}
	v.rows[to] = amountOf(v.rows, to).Add(amount)
	if v.rows[from] = v.rows[from].Sub(amount); v.rows[from].IsZero() {
		delete(v.rows, from)
	}
	return nil
}

func (v *fakeVault) WithdrawRipe(ctx sdk.Context, kind athtypes.RowKind, owner, to sdk.AccAddress) (math.Int, bool, error) {
	paid := math.ZeroInt()
	maps.DeleteFunc(v.rows, func(row athtypes.Row, amount math.Int) bool {
		ripe := row.Kind == kind && row.Owner == owner.String() && row.Bucket <= uint64(ctx.BlockTime().Unix())
		if ripe {
			paid = paid.Add(amount)
		}
		return ripe
	})
	v.bank[to.String()] = amountOf(v.bank, to.String()).Add(paid)
	return paid, false, nil
}

func (v *fakeVault) RowAmount(_ sdk.Context, row athtypes.Row) (math.Int, error) {
	return amountOf(v.rows, row), nil
}

func (v *fakeVault) AddWeight(_ sdk.Context, pool athtypes.Pool, beneficiary sdk.AccAddress, weight math.Int) error {
	if pool != athtypes.Pool_POOL_CHECKER_BASE {
		return fmt.Errorf("weight in %s", pool)
	}
	v.weights[beneficiary.String()] += weight.Int64()
	return v.fails
}

func (*fakeVault) Fold(sdk.Context) error { return nil }

func (v *fakeVault) MixedBeacon(ctx sdk.Context) ([]byte, error) {
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("beacon"), uint64(ctx.BlockTime().UnixNano())))
	return h[:], nil
}

// EmissionPerYear is 700 ATH of base and 300 of bonus.
func (v *fakeVault) EmissionPerYear(_ sdk.Context, pool athtypes.Pool) (math.Int, error) {
	switch pool {
	case athtypes.Pool_POOL_CHECKER_BASE:
		return math.NewInt(700_000_000), nil
	case athtypes.Pool_POOL_CHECKER_BONUS:
		return math.NewInt(300_000_000), nil
	default:
		return math.Int{}, athtypes.ErrInvalidPool
	}
}

func (v *fakeVault) BonusQuarter(sdk.Context) (uint64, error) { return v.quarter, nil }

func (v *fakeVault) ChangeBonus(_ sdk.Context, beneficiary sdk.AccAddress, change math.Int) error {
	who := beneficiary.String()
	if v.bonus[who] += change.Int64(); v.bonus[who] < 0 {
		return fmt.Errorf("%s has a bonus of %d", who, v.bonus[who])
	}
	if v.bonus[who] == 0 {
		delete(v.bonus, who)
	}
	return nil
}

func (v *fakeVault) MarkRound(_ sdk.Context, round uint64) error {
	if v.fails != nil {
		return v.fails
	}
	if n := len(v.marks); n > 0 && v.marks[n-1] != round-1 {
		return fmt.Errorf("round %d is marked after %d", round, v.marks[n-1])
	}
	v.marks = append(v.marks, round)
	return nil
}

func (v *fakeVault) clone() fakeVault {
	return fakeVault{maps.Clone(v.rows), maps.Clone(v.bank), maps.Clone(v.weights), slices.Clone(v.marks), v.fails, v.quarter, maps.Clone(v.bonus)}
}

// total is all that exists; no operation changes it.
func (v *fakeVault) total() math.Int {
	sum := math.ZeroInt()
	for _, a := range v.rows {
		sum = sum.Add(a)
	}
	for _, a := range v.bank {
		sum = sum.Add(a)
	}
	return sum
}

func amountOf[K comparable](m map[K]math.Int, key K) math.Int {
	if a, ok := m[key]; ok {
		return a
	}
	return math.ZeroInt()
}

// fakeProviders keeps shards in a map and moves them on with the pure function that x/providers uses. It refuses a verdict
// that leaves a round out or comes twice.
type fakeProviders struct {
	shards   map[uint64]providertypes.ShardHealth
	count    uint64
	verdicts []providertypes.ShardVerdict
	changes  map[uint64][]providertypes.HealthChange
	last     map[uint64]uint64
	fails    map[uint64]error
}

func (p *fakeProviders) Shards(sdk.Context) (uint64, error) { return p.count, nil }

func (p *fakeProviders) Shard(_ sdk.Context, shard uint64) (providertypes.ShardHealth, error) {
	h := p.shards[shard]
	h.Shard = shard
	return h, nil
}

func (p *fakeProviders) ApplyVerdict(_ sdk.Context, v providertypes.ShardVerdict) error {
	if err := p.fails[v.Shard]; err != nil {
		return err
	}
	if last, ok := p.last[v.Shard]; ok && last+1 != v.Round {
		return fmt.Errorf("shard %d: verdict of round %d after that of %d", v.Shard, v.Round, last)
	}
	h, change, err := p.shards[v.Shard].Apply(v)
	if err != nil {
		return err
	}
	p.last[v.Shard], p.shards[v.Shard] = v.Round, h
	p.verdicts = append(p.verdicts, v)
	p.changes[v.Round] = append(p.changes[v.Round], change)
	return nil
}

func (p *fakeProviders) clone() fakeProviders {
	return fakeProviders{maps.Clone(p.shards), p.count, slices.Clone(p.verdicts), maps.Clone(p.changes), maps.Clone(p.last), maps.Clone(p.fails)}
}

// register lets a Container join its shard.
func (p *fakeProviders) register(ids ...uint64) {
	for _, id := range ids {
		shard, slot := providertypes.ShardOf(id)
		p.shards[shard] = p.shards[shard].Join(slot)
		p.count = max(p.count, shard+1)
	}
}

func (p *fakeProviders) healthy(id uint64) bool {
	shard, slot := providertypes.ShardOf(id)
	return bitmap(p.shards[shard].Healthy).Has(slot)
}

func (p *fakeProviders) faulty(id uint64) bool {
	shard, slot := providertypes.ShardOf(id)
	return bitmap(p.shards[shard].Faulty).Has(slot)
}

// countingStore counts the keys that are set or deleted.
type countingStore struct {
	corestore.KVStoreService
	writes int
}

func (s *countingStore) OpenKVStore(ctx context.Context) corestore.KVStore {
	return countingKV{s.KVStoreService.OpenKVStore(ctx), s}
}

type countingKV struct {
	corestore.KVStore
	service *countingStore
}

func (kv countingKV) Set(key, value []byte) error {
	kv.service.writes++
	return kv.KVStore.Set(key, value)
}

func (kv countingKV) Delete(key []byte) error {
	kv.service.writes++
	return kv.KVStore.Delete(key)
}

// tester is a test of the standard library's or of rapid's.
type tester interface {
	require.TestingT
	Helper()
	Fatalf(format string, args ...any)
}

// fixture is a keeper on a real store between fakes, with a clock of one second per block.
type fixture struct {
	t         tester
	ctx       sdk.Context
	k         *keeper.Keeper
	msgs      types.MsgServer
	queries   types.QueryServer
	vault     *fakeVault
	providers *fakeProviders
	leases    *fakeLeases
	store     *countingStore
	cdc       *codec.ProtoCodec
}

const (
	chainID = "ath-test"
	capital = 1_000_000
	bond    = 100
)

var (
	start     = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	authority = addr("authority")
	owner     = addr("owner")
	stranger  = addr("stranger")
	alice     = addr("alice")
	bob       = addr("bob")
	carol     = addr("carol")
)

// addr needs the prefix before any variable of the package is initialised.
func addr(name string) sdk.AccAddress {
	athtypes.SetPrefixes()
	return sdk.AccAddress(fmt.Sprintf("%-20s", name)[:20])
}

// devParams are those of a network on one machine: rounds of four seconds.
func devParams() types.Params {
	p := types.DefaultParams()
	p.RoundDuration, p.SubmitWindowPpm, p.CommitteeSize = 4*time.Second, 500_000, 3
	p.LicenceBond, p.UnbondingTime, p.MaxLicences = math.NewInt(bond), time.Minute, 1_000
	p.BanWindow, p.BanTime = 10*time.Minute, 20*time.Minute
	return p
}

func newFixture(t tester) *fixture {
	t.Helper()
	g := types.DefaultGenesis()
	g.Params = devParams()
	return newFixtureFrom(t, *g, start)
}

func newFixtureFrom(t tester, g types.GenesisState, now time.Time) *fixture {
	t.Helper()
	key := storetypes.NewKVStoreKey(types.StoreKey)
	f := &fixture{
		t: t,
		ctx: testutil.DefaultContext(key, storetypes.NewTransientStoreKey("transient")).
			WithChainID(chainID).WithBlockTime(now),
		vault: &fakeVault{rows: map[athtypes.Row]math.Int{}, bank: map[string]math.Int{}, weights: map[string]int64{}, quarter: 91, bonus: map[string]int64{}},
		providers: &fakeProviders{
			shards: map[uint64]providertypes.ShardHealth{}, changes: map[uint64][]providertypes.HealthChange{},
			last: map[uint64]uint64{}, fails: map[uint64]error{},
		},
		leases: &fakeLeases{faults: map[uint64]time.Time{}},
		store:  &countingStore{KVStoreService: runtime.NewKVStoreService(key)},
	}
	registry := codectypes.NewInterfaceRegistry()
	types.RegisterInterfaces(registry)
	f.cdc = codec.NewProtoCodec(registry)
	f.k = keeper.NewKeeper(keeper.Deps{
		Cdc: f.cdc, StoreService: f.store, Vault: f.vault, Providers: f.providers, Leases: f.leases,
		Addresses: addresscodec.NewBech32Codec(athtypes.Bech32Prefix), Authority: authority.String(), Logger: log.NewNopLogger(),
	})
	f.msgs, f.queries = keeper.NewMsgServer(f.k), keeper.NewQueryServer(f.k)
	for _, a := range []sdk.AccAddress{owner, stranger, alice, bob, carol} {
		f.vault.bank[a.String()] = math.NewInt(capital)
	}
	require.NoError(t, f.k.InitGenesis(f.ctx, g))
	return f
}

// tx runs do as a transaction does: an error leaves no trace.
func (f *fixture) tx(do func(ctx sdk.Context) error) error {
	cached, write := f.ctx.CacheContext()
	vault := f.vault.clone()
	if err := do(cached); err != nil {
		*f.vault = vault
		return err
	}
	write()
	return nil
}

// snapshot is everything that a message may change.
func (f *fixture) snapshot() string {
	return string(f.export()) + fmt.Sprint(f.vault.rows, f.vault.bank, f.vault.weights, f.vault.bonus)
}

func (f *fixture) export() json.RawMessage {
	f.t.Helper()
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(f.t, err)
	raw, err := f.cdc.MarshalJSON(g)
	require.NoError(f.t, err)
	return raw
}

// endBlock ends the block and begins the next one a second later; events are those of the end.
func (f *fixture) endBlock() { f.endBlockAfter(time.Second) }

func (f *fixture) endBlockAfter(d time.Duration) {
	f.t.Helper()
	f.ctx = f.ctx.WithEventManager(sdk.NewEventManager())
	require.NoError(f.t, f.k.EndBlock(f.ctx))
	require.NoError(f.t, f.k.CheckInvariants(f.ctx))
	f.ctx = f.ctx.WithBlockTime(f.ctx.BlockTime().Add(d))
}

// running is the running round; zero before the first.
func (f *fixture) running() types.Round {
	f.t.Helper()
	r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
	if err != nil {
		return types.Round{}
	}
	return r.Round
}

func (f *fixture) licence(id uint64) types.Licence {
	f.t.Helper()
	l, err := f.k.Licence(f.ctx, id)
	require.NoError(f.t, err)
	return l
}

// buy gives each operator one licence of its own and returns their ids.
func (f *fixture) buy(operators ...sdk.AccAddress) []uint64 {
	f.t.Helper()
	var ids []uint64
	for _, o := range operators {
		res, err := f.msgs.BuyLicences(f.ctx, &types.MsgBuyLicences{Owner: o.String(), Count: 1, Operator: o.String()})
		require.NoError(f.t, err)
		ids = append(ids, res.Ids...)
	}
	return ids
}

// checker is an operator's program: it looks at its assignment, seals what it sees and opens it a round later.
type checker struct {
	operator sdk.AccAddress
	// sees says which members of a shard answer; nil sees all.
	sees func(round, shard uint64, members bitmap) bitmap
	// silent keeps it from revealing, absent from doing anything at all.
	silent, absent bool

	sealed map[uint64]types.Report
}

var salt = make([]byte, types.HashSize)

func (c *checker) submit(f *fixture) error {
	a, err := f.queries.Assignment(f.ctx, &types.QueryAssignmentRequest{Operator: c.operator.String()})
	if err != nil || c.absent {
		return err
	}
	m := &types.MsgSubmitReport{Operator: c.operator.String(), Round: a.Round}
	if r, ok := c.sealed[a.Round-1]; ok && a.OwesReveal && !c.silent {
		m.Reveal, m.Salt = &r, salt
	}
	if len(a.Shards) > 0 && !a.Committed {
		var r types.Report
		for _, s := range a.Shards {
			seen := bitmap(s.Members)
			if c.sees != nil {
				seen = c.sees(a.Round, s.Shard, seen)
			}
			r.Shards = append(r.Shards, types.ShardReport{Shard: s.Shard, Healthy: seen, EvidenceRoot: salt})
		}
		m.Commit = types.CommitHash(chainID, m.Operator, m.Round, r, salt)
		if c.sealed == nil {
			c.sealed = map[uint64]types.Report{}
		}
		c.sealed[a.Round] = r
	}
	if m.Commit == nil && m.Reveal == nil {
		return nil
	}
	return f.tx(func(ctx sdk.Context) error {
		_, err := f.msgs.SubmitReport(ctx, m)
		return err
	})
}

// playRound runs blocks until the next round starts, with the checkers reporting in the window's last block.
func (f *fixture) playRound(checkers ...*checker) {
	f.t.Helper()
	number := f.running().Number
	for range 1000 {
		r, err := f.queries.Round(f.ctx, &types.QueryRoundRequest{})
		if err == nil && !f.ctx.BlockTime().Before(r.EndsAt) {
			for _, c := range checkers {
				require.NoError(f.t, c.submit(f))
			}
		}
		f.endBlock()
		if f.running().Number != number {
			return
		}
	}
	f.t.Fatalf("round %d does not end", number)
}

// events returns the typed events of one kind at the end of the last block.
func events[T any, P interface {
	*T
	Reset()
	String() string
	ProtoMessage()
}](f *fixture) []T {
	f.t.Helper()
	var out []T
	for _, e := range f.ctx.EventManager().ABCIEvents() {
		m, err := sdk.ParseTypedEvent(e)
		if err != nil {
			continue
		}
		if typed, ok := m.(P); ok {
			out = append(out, *typed)
		}
	}
	return out
}

// fakeLeases notes which Containers it was told of.
type fakeLeases struct {
	faults    map[uint64]time.Time
	recovered []uint64
	fails     error
}

func (l *fakeLeases) Fault(_ sdk.Context, container uint64, fault time.Time) error {
	if l.fails == nil {
		l.faults[container] = fault
	}
	return l.fails
}

func (l *fakeLeases) Recovered(_ sdk.Context, container uint64) error {
	l.recovered = append(l.recovered, container)
	return l.fails
}
