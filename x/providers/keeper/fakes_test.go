// SPDX-License-Identifier: Apache-2.0

package keeper_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
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
	"github.com/athnet/ath/x/providers/keeper"
	"github.com/athnet/ath/x/providers/types"
)

// fakeVault keeps rows and bank accounts as plain maps.
type fakeVault struct {
	rows    map[athtypes.Row]math.Int
	bank    map[string]math.Int
	payouts map[string]string
	minExit time.Duration
}

var errPoor = errors.New("insufficient funds")

func (v *fakeVault) Deposit(_ sdk.Context, from sdk.AccAddress, to athtypes.Row, amount math.Int) error {
	if v.balance(from.String()).LT(amount) {
		return errPoor
	}
	v.bank[from.String()] = v.balance(from.String()).Sub(amount)
	v.rows[to] = v.row(to).Add(amount)
	return nil
}

func (v *fakeVault) DepositRows(ctx sdk.Context, from sdk.AccAddress, rows []athtypes.RowBalance) error {
	for _, row := range rows {
		if err := v.Deposit(ctx, from, row.Row, row.Amount); err != nil {
			return err
		}
	}
	return nil
}

func (v *fakeVault) Move(_ sdk.Context, from, to athtypes.Row, amount math.Int) error {
	if v.row(from).LT(amount) {
		return errPoor
	}
	v.rows[to] = v.row(to).Add(amount)
	if v.rows[from] = v.rows[from].Sub(amount); v.rows[from].IsZero() {
		delete(v.rows, from)
	}
	return nil
}

func (v *fakeVault) WithdrawRipe(
	ctx sdk.Context, kind athtypes.RowKind, owner, to sdk.AccAddress,
) (math.Int, bool, error) {
	paid := math.ZeroInt()
	maps.DeleteFunc(v.rows, func(row athtypes.Row, amount math.Int) bool {
		ripe := row.Kind == kind && row.Owner == owner.String() && row.Bucket <= uint64(ctx.BlockTime().Unix())
		if ripe {
			paid = paid.Add(amount)
		}
		return ripe
	})
	v.bank[to.String()] = v.balance(to.String()).Add(paid)
	return paid, false, nil
}

func (v *fakeVault) RowAmount(_ sdk.Context, row athtypes.Row) (math.Int, error) {
	return v.row(row), nil
}

func (v *fakeVault) HasRows(_ sdk.Context, kind athtypes.RowKind, owner sdk.AccAddress) (bool, error) {
	for row := range v.rows {
		if row.Kind == kind && row.Owner == owner.String() {
			return true, nil
		}
	}
	return false, nil
}

// rowsOf are an owner's rows of some kinds from a bucket on.
func (v *fakeVault) rowsOf(owner sdk.AccAddress, from uint64, kinds ...athtypes.RowKind) []athtypes.RowBalance {
	var rows []athtypes.RowBalance
	for row, amount := range v.rows {
		if row.Owner == owner.String() && row.Bucket >= from && slices.Contains(kinds, row.Kind) {
			rows = append(rows, athtypes.RowBalance{Row: row, Amount: amount})
		}
	}
	return rows
}

func (v *fakeVault) slashable(ctx sdk.Context, owner sdk.AccAddress) (income, unbonding []athtypes.RowBalance) {
	return v.rowsOf(owner, uint64(ctx.BlockTime().Unix())+1, athtypes.VestingKinds()...),
		v.rowsOf(owner, 0, athtypes.RowKind_ROW_KIND_UNBONDING)
}

func (v *fakeVault) Slashable(ctx sdk.Context, owner sdk.AccAddress) (income, unbonding math.Int, err error) {
	a, b := v.slashable(ctx, owner)
	return athtypes.SumRows(a), athtypes.SumRows(b), nil
}

func (v *fakeVault) Hold(
	ctx sdk.Context, owner sdk.AccAddress, id uint64, amount math.Int, stake []athtypes.Row,
) ([]athtypes.RowBalance, error) {
	held := athtypes.HeldRow(owner.String(), id)
	if v.row(held).IsPositive() {
		return nil, athtypes.ErrHold
	}
	income, unbonding := v.slashable(ctx, owner)
	var bonded []athtypes.RowBalance
	for _, row := range stake {
		bonded = append(bonded, athtypes.RowBalance{Row: row, Amount: v.row(row)})
	}
	var taken []athtypes.RowBalance
	for _, rows := range [][]athtypes.RowBalance{income, unbonding, bonded} {
		part := athtypes.PlanHold(rows, amount.Sub(athtypes.SumRows(taken)))
		for _, p := range part {
			if err := v.Move(ctx, p.Row, held, p.Amount); err != nil {
				return nil, err
			}
		}
		taken = append(taken, part...)
	}
	return taken, nil
}

func (v *fakeVault) EndHold(ctx sdk.Context, owner sdk.AccAddress, id uint64, rows []athtypes.RowBalance) error {
	held := athtypes.HeldRow(owner.String(), id)
	if !v.row(held).Equal(athtypes.SumRows(rows)) {
		return athtypes.ErrHold
	}
	for _, r := range rows {
		if err := v.Move(ctx, held, r.Row, r.Amount); err != nil {
			return err
		}
	}
	return nil
}

func (v *fakeVault) MinExitDelay(sdk.Context) (time.Duration, error) { return v.minExit, nil }

func (v *fakeVault) SetPayout(_ sdk.Context, beneficiary, payout sdk.AccAddress) error {
	if payout.Empty() || payout.Equals(beneficiary) {
		delete(v.payouts, beneficiary.String())
		return nil
	}
	v.payouts[beneficiary.String()] = payout.String()
	return nil
}

func (v *fakeVault) row(r athtypes.Row) math.Int {
	if a, ok := v.rows[r]; ok {
		return a
	}
	return math.ZeroInt()
}

func (v *fakeVault) balance(addr string) math.Int {
	if a, ok := v.bank[addr]; ok {
		return a
	}
	return math.ZeroInt()
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

// fakeEconomy has an epoch and a revenue, and notes over how many epochs it was asked.
type fakeEconomy struct {
	epoch   uint64
	revenue math.Int
	asked   []uint64
	// perYear is emitted for capacity.
	perYear math.Int
}

func (e *fakeEconomy) Epoch(sdk.Context) (athtypes.Epoch, error) {
	return athtypes.Epoch{Number: e.epoch}, nil
}

func (e *fakeEconomy) Revenue(_ sdk.Context, epochs uint64) (math.Int, error) {
	e.asked = append(e.asked, epochs)
	return e.revenue, nil
}

func (e *fakeEconomy) EmissionPerYear(_ sdk.Context, pool athtypes.Pool) (math.Int, error) {
	if pool != athtypes.Pool_POOL_CAPACITY {
		return math.Int{}, athtypes.ErrInvalidPool
	}
	return e.perYear, nil
}

// fakeFigures counts at once; x/ath does at the end of the block.
type fakeFigures map[string]athtypes.ClassFigures

func (f fakeFigures) CountClass(ctx sdk.Context, change athtypes.ClassFigures) error {
	before, err := f.ClassFigures(ctx, change.Class)
	if err != nil {
		return err
	}
	return f.SetClassFigures(ctx, before.Add(change))
}

func (f fakeFigures) SetClassFigures(_ sdk.Context, figures athtypes.ClassFigures) error {
	if delete(f, figures.Class); !figures.Zero() {
		f[figures.Class] = figures
	}
	return nil
}

func (f fakeFigures) ClassFigures(_ sdk.Context, class string) (athtypes.ClassFigures, error) {
	if figures, ok := f[class]; ok {
		return figures, nil
	}
	return athtypes.NewClassFigures(class), nil
}

func (f fakeFigures) AllClassFigures(sdk.Context) ([]athtypes.ClassFigures, error) {
	var all []athtypes.ClassFigures
	for _, class := range slices.Sorted(maps.Keys(f)) {
		all = append(all, f[class])
	}
	return all, nil
}

// fakeStream keeps positions and the order of calls.
type fakeStream struct {
	positions map[uint64]fakePosition
	calls     []string
}

type fakePosition struct {
	group       uint64
	beneficiary string
	weight      uint64
}

func (s *fakeStream) SetPosition(_ sdk.Context, holder, group uint64, beneficiary sdk.AccAddress, weight math.Int) error {
	s.positions[holder] = fakePosition{group: group, beneficiary: beneficiary.String(), weight: weight.Uint64()}
	s.calls = append(s.calls, fmt.Sprintf("set %d %s", holder, weight))
	return nil
}

func (s *fakeStream) Settle(_ sdk.Context, holder uint64) error {
	s.calls = append(s.calls, fmt.Sprintf("settle %d", holder))
	return nil
}

func (s *fakeStream) RemovePosition(_ sdk.Context, holder uint64) error {
	delete(s.positions, holder)
	s.calls = append(s.calls, fmt.Sprintf("remove %d", holder))
	return nil
}

func (s *fakeStream) Confirm(_ sdk.Context, group, round uint64) error {
	s.calls = append(s.calls, fmt.Sprintf("confirm %d %d", group, round))
	return nil
}

func (s *fakeStream) Skip(_ sdk.Context, holder, round uint64) error {
	s.calls = append(s.calls, fmt.Sprintf("skip %d %d", holder, round))
	return nil
}

// countingStore notes every key that is set or deleted.
type countingStore struct {
	corestore.KVStoreService
	writes []byte // the prefix of each written key
}

func (s *countingStore) OpenKVStore(ctx context.Context) corestore.KVStore {
	return countingKV{KVStore: s.KVStoreService.OpenKVStore(ctx), service: s}
}

type countingKV struct {
	corestore.KVStore
	service *countingStore
}

func (kv countingKV) Set(key, value []byte) error {
	kv.service.writes = append(kv.service.writes, key[0])
	return kv.KVStore.Set(key, value)
}

func (kv countingKV) Delete(key []byte) error {
	kv.service.writes = append(kv.service.writes, key[0])
	return kv.KVStore.Delete(key)
}

// fixture is a keeper on a real store between fakes.
type fixture struct {
	ctx     sdk.Context
	k       *keeper.Keeper
	msgs    types.MsgServer
	queries types.QueryServer
	vault   *fakeVault
	stream  *fakeStream
	economy *fakeEconomy
	figures fakeFigures
	store   *countingStore
	cdc     *codec.ProtoCodec
}

var (
	authority = addr("authority")
	owner     = addr("owner")
	operator  = addr("operator")
	stranger  = addr("stranger")
	start     = time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
)

// capital is what owner and stranger have in the bank.
const capital = 1_000_000_000_000

// addr needs the prefix before any variable of the package is initialised.
func addr(name string) sdk.AccAddress {
	athtypes.SetPrefixes()
	return sdk.AccAddress(fmt.Sprintf("%-20s", name)[:20])
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	key := storetypes.NewKVStoreKey(types.StoreKey)
	f := &fixture{
		ctx:    testutil.DefaultContext(key, storetypes.NewTransientStoreKey("transient")).WithBlockTime(start),
		vault:  &fakeVault{rows: map[athtypes.Row]math.Int{}, bank: map[string]math.Int{}, payouts: map[string]string{}, minExit: week},
		stream: &fakeStream{positions: map[uint64]fakePosition{}}, economy: &fakeEconomy{epoch: 1, revenue: math.ZeroInt(), perYear: math.ZeroInt()},
		figures: fakeFigures{},
		store:   &countingStore{KVStoreService: runtime.NewKVStoreService(key)},
	}
	registry := codectypes.NewInterfaceRegistry()
	types.RegisterInterfaces(registry)
	f.cdc = codec.NewProtoCodec(registry)
	f.k = keeper.NewKeeper(keeper.Deps{
		Cdc: f.cdc, StoreService: f.store, Vault: f.vault, Stream: f.stream, Economy: f.economy, Figures: f.figures,
		Addresses: addresscodec.NewBech32Codec(athtypes.Bech32Prefix), Authority: authority.String(), Logger: log.NewNopLogger(),
	})
	f.msgs, f.queries = keeper.NewMsgServer(f.k), keeper.NewQueryServer(f.k)
	f.vault.bank[owner.String()] = math.NewInt(capital)
	f.vault.bank[stranger.String()] = math.NewInt(capital)
	require.NoError(t, f.k.InitGenesis(f.ctx, *types.DefaultGenesis()))
	return f
}

// tx runs f as a transaction does: an error leaves no trace.
func (f *fixture) tx(do func(ctx sdk.Context) error) error {
	cached, write := f.ctx.CacheContext()
	vault := fakeVault{rows: maps.Clone(f.vault.rows), bank: maps.Clone(f.vault.bank), payouts: maps.Clone(f.vault.payouts), minExit: f.vault.minExit}
	stream := fakeStream{positions: maps.Clone(f.stream.positions), calls: slices.Clone(f.stream.calls)}
	figures := maps.Clone(f.figures)
	if err := do(cached); err != nil {
		*f.vault, *f.stream = vault, stream
		clear(f.figures)
		maps.Copy(f.figures, figures)
		return err
	}
	write()
	return nil
}

// advance moves the clock.
func (f *fixture) advance(d time.Duration) { f.ctx = f.ctx.WithBlockTime(f.ctx.BlockTime().Add(d)) }

// snapshot is everything that a message may change.
func (f *fixture) snapshot(t testing.TB) string {
	t.Helper()
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	raw, err := f.cdc.MarshalJSON(g)
	require.NoError(t, err)
	return string(raw) + fmt.Sprint(f.vault.rows, f.vault.bank, f.vault.payouts, f.stream.positions)
}

// export is the genesis as JSON.
func (f *fixture) export(t testing.TB) json.RawMessage {
	t.Helper()
	g, err := f.k.ExportGenesis(f.ctx)
	require.NoError(t, err)
	raw, err := f.cdc.MarshalJSON(g)
	require.NoError(t, err)
	return raw
}

// provider registers owner with its operator.
func (f *fixture) provider(t testing.TB) {
	t.Helper()
	_, err := f.msgs.RegisterProvider(f.ctx, &types.MsgRegisterProvider{
		Owner: owner.String(), Operators: []string{operator.String()}, Tier: types.Tier_TIER_EDGE, Country: "DE",
	})
	require.NoError(t, err)
}

// workerKey of machine n.
func workerKey(n int) (ed25519.PublicKey, ed25519.PrivateKey) {
	seed := sha256.Sum256(fmt.Appendf(nil, "worker %d", n))
	private := ed25519.NewKeyFromSeed(seed[:])
	return private.Public().(ed25519.PublicKey), private
}

// consented are Containers of class cpu whose workers agree to be registered by an owner.
func consented(owner sdk.AccAddress, machines ...int) []types.NewContainer {
	var news []types.NewContainer
	for _, n := range machines {
		c := cpu(n)
		_, private := workerKey(n)
		c.WorkerSignature = ed25519.Sign(private, types.RegistrationSignBytes("", owner.String(), c.Class, c.Fingerprint))
		news = append(news, c)
	}
	return news
}

// cpu is a Container of class cpu; n makes it another machine.
func cpu(n int) types.NewContainer {
	public, _ := workerKey(n)
	return types.NewContainer{
		Class: "cpu", Count: 1,
		Spec:         types.Spec{CpuModel: "test", CpuMilli: 2_000, MemoryMib: 4_096, DiskMib: 10_000, Throughput: 2_000, Platform: "linux/amd64"},
		WorkerPubkey: public, Fingerprint: []byte(fmt.Sprintf("fp-%029d", n)),
		Endpoint: "127.0.0.1:8443", Connectivity: types.Connectivity_CONNECTIVITY_DIRECT, Region: "local",
	}
}

// containers registers provider and n Containers.
func (f *fixture) containers(t testing.TB, n int) []uint64 {
	t.Helper()
	f.provider(t)
	m := &types.MsgRegisterContainers{Owner: owner.String(), MaxStake: math.NewInt(capital)}
	for i := range n {
		m.Containers = append(m.Containers, consented(owner, i)...)
	}
	res, err := f.msgs.RegisterContainers(f.ctx, m)
	require.NoError(t, err)
	return res.Ids
}

func (f *fixture) heartbeat(t testing.TB, ids ...uint64) {
	t.Helper()
	_, err := f.msgs.Heartbeat(f.ctx, &types.MsgHeartbeat{Operator: operator.String(), Ids: ids})
	require.NoError(t, err)
}

// round is the length of a round of checking in these tests.
const round = 15 * time.Minute

// verdict lets a round pass, and gives a verdict on the one before.
func (f *fixture) verdict(t testing.TB, number uint64, healthy, faulty, suspect types.Bitmap) {
	t.Helper()
	require.NoError(t, f.k.ApplyVerdict(f.ctx, f.aVerdict(number, healthy, faulty, suspect)))
}

func (f *fixture) aVerdict(number uint64, healthy, faulty, suspect types.Bitmap) types.ShardVerdict {
	from := start.Add(time.Duration(number) * round)
	f.ctx = f.ctx.WithBlockTime(from.Add(2 * round))
	return types.ShardVerdict{
		Round: number, From: from, Until: from.Add(round), FaultSince: from.Add(-round), Decided: true,
		Healthy: healthy, Faulty: faulty, Suspect: suspect,
	}
}

// ready registers n Containers and brings them to Ready, offered; the next round's number is 4.
func (f *fixture) ready(t testing.TB, n int) []uint64 {
	t.Helper()
	ids := f.containers(t, n)
	f.heartbeat(t, ids...)
	all := types.BitmapOf(ids...)
	f.verdict(t, 1, nil, nil, nil)
	f.verdict(t, 2, nil, nil, nil)
	f.verdict(t, 3, all, nil, nil)
	f.heartbeat(t, ids...)
	for _, id := range ids {
		require.NoError(t, f.k.SetOffered(f.ctx, id, true))
	}
	f.requireState(t, types.ContainerState_CONTAINER_STATE_READY, ids...)
	f.store.writes, f.stream.calls = nil, nil
	return ids
}

func (f *fixture) status(t require.TestingT, id uint64) types.ContainerStatus {
	s, err := f.k.Status(f.ctx, id)
	require.NoError(t, err)
	return s
}

func (f *fixture) requireState(t testing.TB, want types.ContainerState, ids ...uint64) {
	t.Helper()
	for _, id := range ids {
		require.Equal(t, want.Label(), f.status(t, id).State.Label(), "container %d", id)
	}
	require.NoError(t, f.k.CheckInvariants(f.ctx))
}

// bind leases a Container as x/leases does: it asks whether that can be, and does it.
func bind(k *keeper.Keeper, ctx sdk.Context, id uint64, lease string) error {
	v, err := k.Vacancy(ctx, id)
	if err != nil {
		return err
	}
	return k.Bind(ctx, v, lease)
}
